//! How many instructions a message takes, counted by callgrind: these repeat, unlike times.
//!
//! Each count is the difference of two runs, one of them twice as long, so that what happens once
//! does not count. The load comes from a process that is not counted, in bursts, each after the
//! answers to the one before, so that all runs read and write the same.
//!
//! Bytes that are copied are counted in the same way, by DHAT: see `docs/performance.md`.

mod baseline;
mod folder;
mod row;

use std::collections::BTreeMap;
use std::error::Error;

use clap::Args;

pub(crate) use self::baseline::Baseline;
use self::row::Row;

/// By how much a count may grow: in parts of it, beyond what [`Row::slack`] says.
const TOLERANCE: f64 = 0.03;

/// How often a count is made that is too high.
const TRIES: u32 = 3;

/// What is done with the counts.
#[derive(Debug, Args)]
pub struct Options {
    /// Writes them into the baseline, with those of peers.
    #[arg(long)]
    update: bool,
    /// Only those with this in their name.
    #[arg(long, default_value = "")]
    only: String,
}

/// Counts, and compares with the baseline or writes it.
///
/// # Errors
/// A count grew by more than 3 %, or could not be made.
pub fn run(options: &Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let baseline = Baseline::read()?;
    let mut counts = BTreeMap::new();
    let mut has_grown = false;
    for row in Row::all(options.update) {
        let name = row.to_string();
        if !name.contains(&options.only) {
            continue;
        }
        let before = baseline.get(&name);
        let most = before.map_or(f64::MAX, |before| {
            before as f64 * (1.0 + TOLERANCE) + row.slack()
        });
        let count = count(row, most)?;
        let change = before.map(|before| count as f64 / before as f64 - 1.0);
        let change_text = change.map_or("new".to_owned(), |it| format!("{:+.1} %", it * 100.0));
        println!("{name:60} {count:>8}  {change_text}");
        has_grown |= before.is_none_or(|_| count as f64 > most) && !row.is_of_peer();
        counts.insert(name, count);
    }
    if options.update {
        let kept = match options.only.is_empty() {
            true => Baseline::default(),
            false => baseline,
        };
        return kept.with(counts).write();
    }
    match has_grown {
        true => Err("more instructions than benches/instructions.toml says".into()),
        false => Ok(()),
    }
}

/// The count of a row. One that is more than `most` is made again: a read that brings a little more or
/// less, as time has it, changes what it is of.
fn count(row: Row, most: f64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let mut least = row.count()?;
    for _ in 1..TRIES {
        if least as f64 <= most {
            break;
        }
        least = least.min(row.count()?);
    }
    Ok(least)
}
