"""The audit log is only added to: the database itself refuses to change or delete what is in it.

Against a mistake of ours, or somebody with a way into the program; who owns the database can take
the triggers away. So nothing shortens the log: a rule that keeps it for so long only would have to
bring a migration of its own.
"""

from __future__ import annotations

SAID = "rows of the audit log are only added"

_SQLITE = {
    "update": "BEFORE UPDATE ON audit_log",
    "delete": "BEFORE DELETE ON audit_log",
    # REPLACE deletes without a word to the trigger for deletions.
    "replace": "BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)",
}
CREATE_SQLITE = tuple(
    f"CREATE TRIGGER audit_log_no_{name} {when} BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
    for name, when in _SQLITE.items()
)
CREATE_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log"
    " FOR EACH ROW EXECUTE FUNCTION audit_log_append_only()",
    "CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only()",
)
