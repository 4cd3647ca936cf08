//! Results beside the list of exceptions, both ways: what is no exception passes, and what is one
//! fails.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// Why a case does not pass for some targets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Each a `suite/case`.
    pub cases: Vec<String>,
    /// Each a `client -> server`; with `*` any client.
    pub targets: Vec<String>,
    /// Whether it passes at times, and is not judged.
    #[serde(default)]
    pub sometimes: bool,
    /// Why not.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    exception: Vec<Exception>,
}

/// One case, run once.
#[derive(Debug, Clone)]
pub struct Run {
    /// `client -> server`.
    pub target: String,
    /// The file that the case is from.
    pub suite: String,
    /// Its name there.
    pub case: String,
    /// Whether messages were compressed.
    pub gzip: bool,
    /// What was wrong.
    pub result: Result<(), String>,
}

/// All runs.
#[derive(Debug, Default)]
pub struct Report(Vec<Run>);

/// Whether a run of this name is asked for: `CASE`, if it is set, is a part of it.
#[must_use]
pub fn is_wanted(run: &Run) -> bool {
    std::env::var("CASE").map_or(true, |part| run.to_string().contains(&part))
}

/// The checked-in list.
///
/// # Panics
/// When the file is not a list of exceptions.
#[must_use]
pub fn exceptions() -> Vec<Exception> {
    let text = include_str!("../exceptions.toml");
    let list: Exceptions = toml::from_str(text).expect("exceptions");
    list.exception
}

impl Exception {
    /// Whether it is about this run.
    #[must_use]
    pub fn covers(&self, run: &Run) -> bool {
        self.cases.contains(&format!("{}/{}", run.suite, run.case))
            && self
                .targets
                .iter()
                .any(|target| is_target(target, &run.target))
    }
}

impl Report {
    /// Takes runs.
    #[must_use]
    pub fn new(runs: Vec<Run>) -> Self {
        Self(runs)
    }

    /// Prints the table, and is content if all is as the list of exceptions says.
    ///
    /// # Panics
    /// When it is not.
    pub fn check(&self) {
        println!("{self}");
        let exceptions = exceptions();
        let complaints = self.complaints(&exceptions);
        let list = complaints.join("\n");
        assert!(
            complaints.is_empty(),
            "{} complaints:\n{list}",
            complaints.len()
        );
        if std::env::var_os("CASE").is_some() {
            return;
        }
        let unused = self.unused(&exceptions);
        assert!(
            unused.is_empty(),
            "exceptions that are about nothing: {unused:?}"
        );
    }

    /// What is wrong with it: failures that are no exceptions, and exceptions that passed.
    fn complaints(&self, exceptions: &[Exception]) -> Vec<String> {
        let complaint = |run: &Run| {
            let exception = exceptions.iter().find(|exception| exception.covers(run));
            match (&run.result, exception) {
                (Err(error), None) => Some(format!("{run}: {error}")),
                (Ok(()), Some(exception)) if !exception.sometimes => {
                    Some(format!("{run}: passes, and is an exception"))
                }
                _ => None,
            }
        };
        self.0.iter().filter_map(complaint).collect()
    }

    /// Cases of exceptions that should be among these runs, by suite and target, and are not.
    fn unused<'a>(&self, exceptions: &'a [Exception]) -> Vec<&'a str> {
        let pairs = exceptions.iter().flat_map(|exception| {
            let pair = move |case| exception.targets.iter().map(move |target| (case, target));
            exception.cases.iter().flat_map(pair)
        });
        let is_unused = |(case, target): &(&String, &String)| {
            let suite = case.split('/').next();
            let near = self
                .0
                .iter()
                .filter(|run| suite == Some(&*run.suite) && is_target(target, &run.target));
            let mut near = near.peekable();
            near.peek().is_some()
                && !near.any(|run| **case == format!("{}/{}", run.suite, run.case))
        };
        pairs.filter(is_unused).map(|(case, _)| &**case).collect()
    }
}

/// Whether a target is meant, by its name or with any client.
fn is_target(pattern: &str, target: &str) -> bool {
    match pattern.strip_prefix("* -> ") {
        Some(server) => target.ends_with(&format!(" -> {server}")),
        None => pattern == target,
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            target,
            suite,
            case,
            ..
        } = self;
        let encoding = if self.gzip { ", gzip" } else { "" };
        write!(f, "{suite}/{case} ({target}{encoding})")
    }
}

/// A table: target, suite, runs, passed.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
        for run in &self.0 {
            for suite in [&*run.suite, "(all)"] {
                let (runs, passed) = rows.entry((&run.target, suite)).or_default();
                *runs += 1;
                *passed += usize::from(run.result.is_ok());
            }
        }
        writeln!(
            f,
            "{:<45} {:<36} {:>5} {:>6} {:>8}",
            "target", "suite", "runs", "passed", "excepted"
        )?;
        for ((target, suite), (runs, passed)) in rows {
            writeln!(
                f,
                "{target:<45} {suite:<36} {runs:>5} {passed:>6} {:>8}",
                runs - passed
            )?;
        }
        Ok(())
    }
}
