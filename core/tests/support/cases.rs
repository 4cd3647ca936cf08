//! How many cases a property is tried with.

use proptest::test_runner::Config;

/// The minimal failing input is in the output; no file is written for it.
pub(crate) fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}
