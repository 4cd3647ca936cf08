# What the scripts of this directory share; they source it.

# Work goes here, and nothing of it is checked in.
mkdir -p "${CARGO_TARGET_DIR:=target}"
CARGO_TARGET_DIR=$(cd "$CARGO_TARGET_DIR" && pwd)
export CARGO_TARGET_DIR
work=$CARGO_TARGET_DIR/fuzz-work

# A second and 256 MB are far more than any input may cost.
max_len=1024
limits=(-dict=dictionary.txt -max_len="$max_len" -timeout=1 -rss_limit_mb=256 -print_final_stats=1)

install_tools() {
  rustup toolchain list | grep --quiet '^nightly' || rustup toolchain install nightly --profile minimal
  cargo fuzz --version &>/dev/null || cargo install cargo-fuzz --version 0.13.2 --locked
}

list_targets() {
  cargo fuzz list --fuzz-dir .
}

# fuzz_target TARGET CORPUS... -- OPTION...: without a sanitizer, for there is no unsafe code; with
# debug assertions and overflow checks, by the profile in Cargo.toml.
fuzz_target() {
  cargo +nightly fuzz run --fuzz-dir . --sanitizer none "$@"
}
