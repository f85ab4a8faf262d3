"""The files that admins own: read, proven, stored, in force."""
