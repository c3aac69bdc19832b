# shellcheck shell=bash
#
# The settings every script of this repository builds with. Sourced, not run.
#
# Cargo rebuilds whatever it finds built with other settings, so nothing here
# depends on which script is running: one target directory, one toolchain.
#
# Reads:
#   CARGO_TARGET_DIR       where builds go; the default is target/ in the clone
#   MIZAN_WASM_TOOLCHAIN   what compiles the runtime to WebAssembly:
#                          rustup: the target wasm32v1-none of the Rust in use;
#                          distro: Debian's rustc-web. The default is rustup,
#                          and distro where Debian's is the only Rust
# Sets:
#   MIZAN_REPO             the clone
#   CARGO_TARGET_DIR       as an absolute path
#   MIZAN_WASM_TOOLCHAIN   with the default filled in
#   WASM_BUILD_TOOLCHAIN   distro, in distro mode and where rustup is installed
#   RUSTUP_AUTO_INSTALL    0 in distro mode: rustup downloads nothing
#   PATH                   with cargo's bin directory
#
# Offers: usage, installed PACKAGE, say MESSAGE, die MESSAGE [EXIT CODE],
#         can_be_root, as_root COMMAND...

MIZAN_REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$MIZAN_REPO/target}
case $CARGO_TARGET_DIR in
    /*) ;;
    *) CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR ;;
esac

case :$PATH: in
    *":${CARGO_HOME:-$HOME/.cargo}/bin:"*) ;;
    *) PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH ;;
esac

# Whether Debian's package of this name is installed.
installed() {
    # shellcheck disable=SC2016 # dpkg-query's placeholder
    [[ $(dpkg-query --show --showformat '${db:Status-Abbrev}' "$1" 2>/dev/null) == ?i* ]]
}

if [[ -z ${MIZAN_WASM_TOOLCHAIN-} ]]; then
    MIZAN_WASM_TOOLCHAIN=rustup
    if ! command -v rustup >/dev/null && installed cargo-web; then
        MIZAN_WASM_TOOLCHAIN=distro
    fi
fi
export MIZAN_REPO CARGO_TARGET_DIR PATH MIZAN_WASM_TOOLCHAIN

# Prints the running script's header comment.
usage() {
    sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
}

say() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
}

die() {
    say "$1"
    exit "${2:-1}"
}

# Whether as_root can work. A password is asked for only on a terminal.
can_be_root() {
    [[ $(id -u) -eq 0 ]] \
        || { command -v sudo >/dev/null && { [[ -t 0 && -t 1 ]] || sudo -n true 2>/dev/null; }; }
}

# Runs a command as root: directly, or with sudo. Where neither can work it says
# what to run and exits with 3.
as_root() {
    can_be_root || die "this needs root; run as root: ${*@Q}" 3
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    else
        say "with sudo: ${*@Q}"
        sudo "$@"
    fi
}

case $MIZAN_WASM_TOOLCHAIN in
    rustup) ;;
    distro)
        export RUSTUP_AUTO_INSTALL=0
        # The WASM builder starts a named toolchain with `rustup run`. Without
        # rustup it must have no name, and takes the cargo that started it.
        if command -v rustup >/dev/null; then
            export WASM_BUILD_TOOLCHAIN=distro
        else
            unset WASM_BUILD_TOOLCHAIN
        fi
        ;;
    *) die "MIZAN_WASM_TOOLCHAIN is '$MIZAN_WASM_TOOLCHAIN'; it can be rustup or distro" 2 ;;
esac
