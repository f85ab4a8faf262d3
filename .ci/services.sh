#!/bin/sh
# Look for the real services that tests and benchmarks run against, and install with apt what is
# missing where that is allowed. It never fails: what stays missing is named here with the reason,
# and the tests that need it skip with that reason.
#
#   .ci/services.sh test     PostgreSQL, Dovecot, Postfix, Chromium, what drives it, strace
#   .ci/services.sh bench    these, and the other anchor of the benchmarks: notmuch
#
# NO_APT=1 forbids apt. apt is used only as root, or where `sudo -n` works without a question.
# Nothing that is installed is started: the tests start private copies of their own.
set -u

# Files are looked for, not commands: dovecot is in /usr/sbin and initdb is on nobody's PATH.
any_file() {
    for file in "$@"; do
        [ -e "$file" ] && return 0
    done
    return 1
}

has_postgres() {
    any_file ${PG_BIN:+"$PG_BIN/initdb"} /usr/lib/postgresql/*/bin/initdb \
        /opt/homebrew/opt/postgresql*/bin/initdb /usr/local/opt/postgresql*/bin/initdb ||
        [ -n "${ABOARD_TEST_POSTGRES:-}" ]
}
has_dovecot() {
    any_file /usr/sbin/dovecot /usr/local/sbin/dovecot /opt/homebrew/sbin/dovecot
}
has_chromium() {
    any_file ${CHROMIUM:+"$CHROMIUM"} /usr/bin/chromium /usr/bin/chromium-browser \
        /usr/bin/google-chrome /usr/bin/google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        "/Applications/Chromium.app/Contents/MacOS/Chromium"
}
# The driver of Playwright is a node that wants this library; a small Debian has it not.
has_libatomic() {
    [ "$(uname -s)" != Linux ] ||
        any_file /usr/lib/*/libatomic.so.1 /usr/lib/libatomic.so.1 /usr/lib64/libatomic.so.1
}
has_strace() { [ "$(uname -s)" != Linux ] || any_file /usr/bin/strace; }
has_postfix() { any_file /usr/sbin/postfix; }
has_notmuch() { any_file /usr/bin/notmuch /opt/homebrew/bin/notmuch /usr/local/bin/notmuch; }

missing=""
packages=""
look() { # name, debian packages...
    name=$1
    shift
    "has_$name" || { missing="$missing $name" && packages="$packages $*"; }
}

look_for_all() {
    missing="" packages=""
    look postgres postgresql
    look dovecot dovecot-imapd
    look chromium chromium fonts-liberation
    look libatomic libatomic1
    look strace strace
    look postfix postfix
    [ "$what" = test ] || look notmuch notmuch
}

what=${1:-test}
case $what in
    test | bench) ;;
    *) echo "services: '$what' is not known; say test or bench" >&2 && exit 2 ;;
esac
look_for_all
[ -n "$missing" ] || exit 0

give_up() {
    echo "services: missing:$missing ($1)." >&2
    echo "services: what needs them is skipped with its reason. To have them: $2" >&2
    exit 0
}

by_hand="apt-get install$packages"
if [ "$(uname -s)" = Darwin ]; then
    give_up "macOS: nothing is installed by itself" "brew install postgresql@17 dovecot, and Chrome"
fi
[ -x /usr/bin/apt-get ] || give_up "there is no apt-get here" "install them with your system's tool"
[ -z "${NO_APT:-}" ] || give_up "NO_APT is set" "$by_hand"
if [ "$(id -u)" = 0 ]; then
    sudo=""
elif sudo -n true 2>/dev/null; then
    sudo="sudo -n"
else
    give_up "not root, and sudo asks for a password" "sudo $by_hand"
fi

# Exit code 101 is Debian's way to say "install, but do not start". A policy of the machine's own
# stays as it is. It is taken away again whatever happens in between.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$sudo rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod 755 "$policy"
fi
log=$(mktemp)
apt() { # every word after it goes to apt-get; its talk is shown only when it fails
    echo "services: ${sudo:+$sudo }apt-get $*"
    if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" \
        >"$log" 2>&1 </dev/null; then
        tail -n 5 "$log" >&2
        return 1
    fi
}
install_missing() { # unquoted: a list of package names
    # shellcheck disable=SC2086
    apt install -y -q --no-install-recommends $packages
}

ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt update -q
case $packages in
    # Without an answer Postfix would make itself a site that hears on every interface.
    *postfix*) [ ! -x /usr/bin/debconf-set-selections ] ||
        echo "postfix postfix/main_mailer_type select Local only" | $sudo debconf-set-selections ;;
esac
# A second try after an update: lists that are too old name files that are gone.
install_missing || { apt update -q && install_missing; }
rm -f "$log"
look_for_all
[ -z "$missing" ] || give_up "apt-get did not bring them" "$by_hand"
