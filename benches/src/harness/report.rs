//! What came out, as tables, JSON, and in docs/performance.md.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::chart;
use super::idle::Idle;
use super::measure::Sample;
use super::series::{Growing, Series};
use super::statistics::Quartiles;
use super::targets;
use super::work::{Subject, Work};
use crate::instructions::Baseline;
use crate::measured::Runtime;

const BEGIN: &str = "<!-- generated: benches/run --update -->\n";
const END: &str = "<!-- end generated -->\n";

type BoxError = Box<dyn Error + Send + Sync>;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// That of the rows.
    pub(crate) runtime: Runtime,
    pub(crate) rounds: usize,
    /// Those of the same work one after the other.
    pub(crate) rows: Vec<Row>,
    /// Those of the same thing that grows one after the other.
    pub(crate) series: Vec<Series>,
    pub(crate) idle: Vec<Idle>,
}

/// What one of them did at one work, round by round.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// What was done.
    pub(crate) work: Work,
    /// By whom.
    pub(crate) subject: Subject,
    /// In each round; `None` where it failed.
    samples: Vec<Option<Sample>>,
    /// Of the process that counts allocations.
    counted: Option<Sample>,
    /// Why it failed, the last time it did.
    failure: Option<String>,
}

impl Row {
    /// Before the first round.
    #[must_use]
    pub(crate) fn new(work: Work, subject: Subject) -> Self {
        Self {
            work,
            subject,
            samples: Vec::new(),
            counted: None,
            failure: None,
        }
    }

    /// The sample of the next round.
    ///
    /// # Errors
    /// It failed in each of two rounds.
    pub(crate) fn add(&mut self, sample: Result<Sample, BoxError>) -> Result<(), BoxError> {
        let sample = self.checked(sample)?;
        self.samples.push(sample);
        Ok(())
    }

    /// The run that counts allocations.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(crate) fn count(&mut self, sample: Result<Sample, BoxError>) -> Result<(), BoxError> {
        self.counted = self.checked(sample)?;
        Ok(())
    }

    fn checked(&mut self, sample: Result<Sample, BoxError>) -> Result<Option<Sample>, BoxError> {
        match sample {
            Ok(sample) => Ok(Some(sample)),
            Err(error) => {
                let failure = format!("{}, {}: {error}", self.work, self.subject);
                eprintln!("{failure}");
                match self.failure.replace(failure.clone()) {
                    None => Ok(None),
                    Some(_) => Err(failure.into()),
                }
            }
        }
    }

    /// A figure's ratio to that of another row, round by round.
    #[must_use]
    pub(crate) fn ratio(&self, base: &Self, figure: fn(&Sample) -> f64) -> Option<Quartiles> {
        let pairs = self.samples.iter().zip(&base.samples);
        let both = pairs.filter_map(|(own, base)| own.as_ref().zip(base.as_ref()));
        Quartiles::of(both.map(|(own, base)| figure(own) / figure(base)).collect())
    }

    fn median(&self, figure: fn(&Sample) -> f64) -> f64 {
        let samples = self.samples.iter().flatten();
        let quartiles = Quartiles::of(samples.map(figure).collect());
        quartiles.map_or(f64::NAN, |quartiles| quartiles.median)
    }
}

impl Report {
    /// The rows of each work; the first is the base.
    pub(crate) fn works(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|a, b| a.work == b.work)
    }

    /// Everything.
    ///
    /// # Errors
    /// A number is none.
    pub(crate) fn to_json(&self) -> Result<String, BoxError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Tables.
    #[must_use]
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = "\n### Targets\n\n".to_owned();
        let baseline = Baseline::read().unwrap_or_default();
        text.push_str(&targets::table(self, &baseline));
        for rows in self.works() {
            write_work(&mut text, rows);
        }
        for series in self.series.chunk_by(|a, b| a.growing == b.growing) {
            write_series(&mut text, series);
        }
        write_idle(&mut text, &self.idle);
        write_copies(&mut text, &baseline);
        text
    }

    /// Writes the tables and the chart into the documentation.
    ///
    /// # Errors
    /// The files are not as they were.
    pub(crate) fn update_docs(&self) -> Result<(), BoxError> {
        let docs = docs();
        let page = docs.join("performance.md");
        let text = fs::read_to_string(&page)?;
        let (before, rest) = text.split_once(BEGIN).ok_or("no place for the tables")?;
        let (_, after) = rest.split_once(END).ok_or("no end of the tables")?;
        let runtime = match self.runtime {
            Runtime::CurrentThread => "current_thread",
            Runtime::MultiThread => "multi_thread",
        };
        let head = format!("Rounds: {}. Runtime: {runtime}.\n", self.rounds);
        let tables = self.to_markdown();
        fs::write(
            &page,
            format!("{before}{BEGIN}\n{head}{tables}\n{END}{after}"),
        )?;
        Ok(svg::save(docs.join("performance.svg"), &chart::draw(self))?)
    }
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn write_work(text: &mut String, rows: &[Row]) {
    let base = &rows[0];
    let _ = writeln!(text, "\n### {}\n", base.work);
    text.push_str(
        "| | CPU | rate | p50 | CPU us | per s | p50 / p99 us | allocations (bytes) | reads + writes \
         | wire up / down | peak RSS MiB |\n",
    );
    text.push_str("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for row in rows {
        let cpu = spread(row.ratio(base, |sample| sample.cpu));
        let rate = spread(row.ratio(base, |sample| sample.rate));
        let p50 = row.ratio(base, Sample::p50);
        let p50 = p50.filter(|p50| p50.median.is_finite());
        let (half, most) = (row.median(Sample::p50), row.median(Sample::p99));
        let _ = writeln!(
            text,
            "| {} | {cpu} | {rate} | {} | {:.2} | {:.0} | {} | {} | {} | {:.1} |",
            row.subject,
            p50.map_or("-".to_owned(), |p50| format!("{:.2}", p50.median)),
            row.median(|sample| sample.cpu),
            row.median(|sample| sample.rate),
            match half.is_finite() {
                true => format!("{half:.0} / {most:.0}"),
                false => "-".to_owned(),
            },
            row.counted.map_or("-".to_owned(), allocations),
            sockets(row),
            row.median(|sample| sample.peak) / (1024.0 * 1024.0),
        );
    }
}

/// Two columns, of what is counted at a server's sockets.
fn sockets(row: &Row) -> String {
    if matches!(row.subject, Subject::Client(_)) {
        return "- | -".to_owned();
    }
    let calls = row.median(|sample| sample.system_calls);
    let (up, down) = (row.median(|it| it.up), row.median(|it| it.down));
    format!("{calls:.2} | {up:.0} / {down:.0}")
}

fn write_series(text: &mut String, series: &[Series]) {
    let growing = series[0].growing;
    let unit = match growing {
        Growing::Bytes => "ns",
        _ => "us",
    };
    let _ = writeln!(text, "\n### {growing}\n");
    let numbers = series[0].points.iter().map(|it| growing.label(it.number));
    let _ = writeln!(text, "| | {} |", numbers.collect::<Vec<_>>().join(" | "));
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(series[0].points.len()));
    for row in series {
        let _ = write!(text, "| {} |", row.subject);
        for point in &row.points {
            let ratio = spread(row.ratio(point));
            let _ = write!(text, " {ratio} {:.2} {unit} |", row.median(point));
        }
        text.push('\n');
    }
}

fn write_idle(text: &mut String, idle: &[Idle]) {
    if idle.is_empty() {
        return;
    }
    text.push_str("\n### Idle connections, KiB of the server's memory for each\n\n");
    text.push_str(
        "| | connections | never used | after a unary call |\n| --- | --- | --- | --- |\n",
    );
    for row in idle {
        let (never, after) = (row.never_used / 1024.0, row.after_a_call / 1024.0);
        let (subject, connections) = (row.subject, row.connections);
        let _ = writeln!(
            text,
            "| {subject} | {connections} | {never:.1} | {after:.1} |"
        );
    }
}

fn write_copies(text: &mut String, baseline: &Baseline) {
    let mut counts = baseline.beginning("copied of 1000 bytes, ").peekable();
    if counts.peek().is_none() {
        return;
    }
    text.push_str("\n### Bytes copied for each byte of payload that is echoed\n\n");
    text.push_str("| | copied |\n| --- | --- |\n");
    for (name, count) in counts {
        let _ = writeln!(text, "| {name} | {:.2} |", count as f64 / 1000.0);
    }
}

fn spread(ratio: Option<Quartiles>) -> String {
    match ratio {
        None => "-".to_owned(),
        Some(Quartiles { low, median, high }) => format!("**{median:.2}** [{low:.2}-{high:.2}]"),
    }
}

fn allocations(sample: Sample) -> String {
    format!("{:.1} ({:.0})", sample.allocations, sample.allocated)
}
