//! The harness: rounds in which all contenders take turns, and what came out.

mod chart;
mod idle;
mod measure;
mod report;
mod series;
mod start;
mod statistics;
mod targets;
mod work;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::idle::Idle;
use self::measure::Settings;
use self::report::{Report, Row};
use self::series::Series;
use self::work::Work;
use crate::measured::Runtime;
use crate::process;

type BoxError = Box<dyn Error + Send + Sync>;

/// What is measured, and for how long.
#[derive(Debug, Args)]
pub struct Options {
    /// All sizes and numbers, more and longer rounds: about an hour instead of minutes.
    #[arg(long)]
    full: bool,
    /// How the measured processes run their tasks, where it is not measured what grows.
    #[arg(long, default_value = "current_thread")]
    runtime: Runtime,
    /// How many rounds there are: 3, or 9 of the full ones.
    #[arg(long)]
    rounds: Option<usize>,
    /// Only work with this in its name, and nothing of idle connections.
    #[arg(long, default_value = "")]
    only: String,
    /// Where the results are written as JSON.
    #[arg(long, default_value = "target/benches.json")]
    json: PathBuf,
    /// Writes the tables into docs/performance.md and the chart beside it.
    #[arg(long, conflicts_with = "only")]
    update: bool,
}

/// Measures, prints tables, and writes what the options say.
///
/// # Errors
/// A measured process failed.
pub fn run(options: &Options) -> Result<(), BoxError> {
    process::pin(start::LOAD_CPU.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(all(options))?;
    println!("{}", report.to_markdown());
    std::fs::write(&options.json, report.to_json()?)?;
    if options.update {
        report.update_docs()?;
    }
    Ok(())
}

async fn all(options: &Options) -> Result<Report, BoxError> {
    let mut rows: Vec<Row> = Vec::new();
    for work in Work::all(options.full) {
        if work.to_string().contains(&options.only) {
            rows.extend(work.subjects().into_iter().map(|it| Row::new(work, it)));
        }
    }
    let mut series = Series::all(options.full);
    series.retain(|it| it.growing.to_string().contains(&options.only));
    let rounds = options.rounds.unwrap_or(if options.full { 9 } else { 3 });
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for row in &mut rows {
            let settings = settings(options, false);
            row.add(measure::measure(&row.work, row.subject, settings).await)?;
        }
        for series in &mut series {
            series.measure(options.full).await?;
        }
    }
    eprintln!("allocations");
    for row in &mut rows {
        let settings = settings(options, true);
        row.count(measure::measure(&row.work, row.subject, settings).await)?;
    }
    let idle = match options.only.is_empty() {
        true => Idle::all(options.full).await?,
        false => Vec::new(),
    };
    Ok(Report {
        runtime: options.runtime,
        rounds,
        rows,
        series,
        idle,
    })
}

fn settings(options: &Options, counts: bool) -> Settings {
    let window = match (options.full, counts) {
        (true, false) => Duration::from_millis(1000),
        (false, false) => Duration::from_millis(350),
        (_, true) => Duration::from_millis(150),
    };
    Settings {
        warm_up: Duration::from_millis(150),
        window,
        runtime: options.runtime,
        counts,
    }
}
