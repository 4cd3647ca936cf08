//! What is aimed at, and whether it is reached.

use std::fmt::Write as _;

use super::measure::Sample;
use super::report::{Report, Row};
use super::series::{Growing, Point, Series};
use super::work::{Shape, Subject};
use crate::instructions::Baseline;
use crate::measured::{Client, Contender};
use crate::peer::Protocol;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

const ROUTES: Subject = Subject::Server(Contender::Routes, Protocol::Mux);
const BYTES: Subject = Subject::Server(Contender::Bytes, Protocol::Mux);
const SINGLE: Subject = Subject::Server(Contender::Routes, Protocol::Single);
const GATEWAY: Subject = Subject::Server(Contender::Gateway, Protocol::Mux);
const ECHOES: [Subject; 2] = [
    Subject::Server(Contender::WebSocket, Protocol::WebSocket),
    Subject::Server(Contender::Tungstenite, Protocol::WebSocket),
];
const CLIENT: Subject = Subject::Client(Client::Mux);

/// A ratio at some work: shape, size, in flight; who; which figure.
type Target = (Shape, usize, u64, Subject, Figure);

/// A figure, and what it should be.
#[derive(Clone, Copy)]
enum Figure {
    /// At most so much CPU time.
    Cpu(f64),
    /// At least so many messages per second.
    Rate(f64),
    /// At most so long a median latency.
    P50(f64),
    /// At most so much of the CPU time of the best raw WebSocket echo.
    CpuOfEcho(f64),
}

const RATIOS: &[Target] = &[
    (Shape::Unary, 32, 64, ROUTES, Figure::Cpu(0.33)),
    (Shape::Unary, 32, 64, ROUTES, Figure::Rate(2.5)),
    (Shape::Unary, 32, 1, ROUTES, Figure::Cpu(0.75)),
    (Shape::Unary, 32, 1, ROUTES, Figure::P50(0.8)),
    (Shape::Bidi, 32, 1, ROUTES, Figure::Cpu(0.90)),
    (Shape::Bidi, 32, 512, ROUTES, Figure::Cpu(0.65)),
    (Shape::Bidi, 32, 512, ROUTES, Figure::Rate(1.5)),
    (Shape::Messages, 32, 512, ROUTES, Figure::Cpu(0.65)),
    (Shape::Messages, 32, 512, ROUTES, Figure::Rate(1.5)),
    (Shape::Bidi, KIB, 128, ROUTES, Figure::Cpu(0.60)),
    (Shape::Bidi, KIB, 128, ROUTES, Figure::Rate(1.5)),
    (Shape::Unary, 64 * KIB, 64, ROUTES, Figure::Cpu(1.0)),
    (Shape::Unary, MIB, 4, ROUTES, Figure::Cpu(1.0)),
    (Shape::Bidi, 64 * KIB, 16, ROUTES, Figure::Cpu(1.0)),
    (Shape::Bidi, MIB, 4, ROUTES, Figure::Cpu(1.0)),
    (Shape::Bidi, 32, 512, BYTES, Figure::CpuOfEcho(1.5)),
    (Shape::Messages, 32, 512, BYTES, Figure::CpuOfEcho(1.5)),
    (Shape::Client, 32, 64, CLIENT, Figure::Cpu(0.33)),
    (Shape::Client, 32, 64, CLIENT, Figure::Rate(3.0)),
    (Shape::Connections, 32, 1, SINGLE, Figure::Cpu(1.0)),
    (Shape::Gateway, 32, 64, GATEWAY, Figure::Cpu(1.0)),
];

/// Names in the baseline: this project's, and the peer's; at most so many times as many.
const INSTRUCTIONS: &[(&str, &str, f64)] = &[
    (
        "server services, mux, unary, 64 at a time",
        "server tonic, http2, unary, 64 at a time",
        0.28,
    ),
    (
        "server routes, mux, unary, 64 at a time",
        "server tonic, http2, unary, 64 at a time",
        0.38,
    ),
    (
        "server routes, mux, unary, 1 at a time",
        "server tonic, http2, unary, 1 at a time",
        0.32,
    ),
    (
        "server routes, mux, bidi, 1 at a time",
        "server tonic, http2, bidi, 1 at a time",
        0.50,
    ),
    (
        "server routes, mux, bidi, 512 at a time",
        "server tonic, http2, bidi, 512 at a time",
        0.45,
    ),
    (
        "server routes, mux, bidi a frame each, 512 at a time",
        "server tonic, http2, bidi a frame each, 512 at a time",
        0.45,
    ),
    (
        "server routes, mux, bidi 1 KiB, 128 at a time",
        "server tonic, http2, bidi 1 KiB, 128 at a time",
        0.70,
    ),
    (
        "server routes, single, unary, a connection each",
        "server tonic, http2, unary, a connection each",
        0.55,
    ),
    (
        "client mux, unary, 64 at a time",
        "client tonic, unary, 64 at a time",
        0.33,
    ),
    (
        "server gateway, mux, unary, 64 at a time",
        "client tonic, unary, 64 at a time",
        1.0,
    ),
    (
        "server routes, mux, bidi, 10 open, 1 at a time",
        "server routes, mux, bidi, 1 open, 1 at a time",
        GROWTH,
    ),
    (
        "server routes, mux, bidi, 100 open, 1 at a time",
        "server routes, mux, bidi, 1 open, 1 at a time",
        GROWTH,
    ),
    (
        "server routes, mux, bidi, 1000 open, 1 at a time",
        "server routes, mux, bidi, 1 open, 1 at a time",
        GROWTH,
    ),
];

/// Names in the baseline: of what this project does, no payload is copied. What is less than one
/// byte in a hundred are heads of frames, and short begins of frames that are moved.
const COPIES: &[&str] = &[
    "copied of 1000 bytes, server bytes, mux, unary, 64 KiB",
    "copied of 1000 bytes, server bytes, mux, unary, 1024 KiB",
    "copied of 1000 bytes, server bytes, mux, bidi, 64 KiB",
    "copied of 1000 bytes, server bytes, mux, bidi, 1024 KiB",
];
const HEADS: u64 = 10;

/// How much more a message may cost where there is much of everything.
const GROWTH: f64 = 1.10;

/// KiB of an idle connection: never used, and after a call.
const IDLE: [f64; 2] = [2.5, 5.0];

/// A table of all that was measured.
pub(super) fn table(report: &Report, baseline: &Baseline) -> String {
    let mut text = "| what | target | measured | reached |\n| --- | --- | --- | --- |\n".to_owned();
    for (own, peer, most) in INSTRUCTIONS {
        let counts = baseline.get(own).zip(baseline.get(peer));
        if let Some((count, base)) = counts {
            let ratio = count as f64 / base as f64;
            let what = format!("instructions: {own} ({count}), to {peer} ({base})");
            push(&mut text, &what, *most, ratio, ratio <= *most);
        }
    }
    for name in COPIES {
        if let Some(count) = baseline.get(name) {
            push(&mut text, name, 0.0, count as f64, count < HEADS);
        }
    }
    for target in RATIOS {
        if let Some((what, aim, ratio)) = measured(report, target) {
            let reached = match target.4 {
                Figure::Rate(least) => ratio >= least,
                _ => ratio <= aim,
            };
            push(&mut text, &what, aim, ratio, reached);
        }
    }
    for series in report.series.iter().filter(|it| it.subject == ROUTES) {
        push_series(&mut text, series);
    }
    for row in report.idle.iter().filter(|row| row.subject == ROUTES) {
        let kib = [row.never_used, row.after_a_call].map(|bytes| bytes / 1024.0);
        let names = ["never used", "after a unary call"];
        for ((name, kib), most) in names.into_iter().zip(kib).zip(IDLE) {
            let what = format!("KiB of an idle connection, {name}");
            push(&mut text, &what, most, kib, kib <= most);
        }
    }
    text
}

/// How the cost of a message grows.
fn push_series(text: &mut String, series: &Series) {
    let most = match series.growing {
        Growing::Workers => 1.0,
        _ => GROWTH,
    };
    let (growing, subject) = (series.growing, series.subject);
    let label = |point: &Point| growing.label(point.number);
    // A runtime of one thread is there for comparison.
    for point in series.points[1..].iter().filter(|it| it.number > 0) {
        if let Some(ratio) = series.ratio(point) {
            let (number, first) = (label(point), label(&series.points[0]));
            let what = format!("CPU, {number} to {first}: {growing}, {subject}");
            push(text, &what, most, ratio.median, ratio.median <= most);
        }
    }
}

/// What it is, what is aimed at, and what it came to.
fn measured(report: &Report, target: &Target) -> Option<(String, f64, f64)> {
    let &(shape, size, in_flight, subject, figure) = target;
    let of_work = |rows: &&[Row]| {
        let work = rows[0].work;
        !work.is_tls && (work.shape, work.size, work.in_flight) == (shape, size, in_flight)
    };
    let rows = report.works().find(of_work)?;
    let row = |subject| rows.iter().find(|row| row.subject == subject);
    let row = row(subject)?;
    let to_first = |value| Some(row.ratio(&rows[0], value)?.median);
    let (name, aim, ratio) = match figure {
        Figure::Cpu(most) => ("CPU", most, to_first(|it| it.cpu)?),
        Figure::Rate(least) => ("rate, at least", least, to_first(|it| it.rate)?),
        Figure::P50(most) => ("p50", most, to_first(Sample::p50)?),
        Figure::CpuOfEcho(most) => {
            let echoes = rows.iter().filter(|row| ECHOES.contains(&row.subject));
            let ratios = echoes.filter_map(|echo| row.ratio(echo, |it| it.cpu));
            let to_best = ratios.map(|ratio| ratio.median).reduce(f64::max)?;
            ("CPU, to the best WebSocket echo", most, to_best)
        }
    };
    let what = format!("{name}: {}, {subject}", rows[0].work);
    Some((what, aim, ratio))
}

fn push(text: &mut String, what: &str, target: f64, measured: f64, is_reached: bool) {
    let reached = if is_reached { "yes" } else { "**no**" };
    let _ = writeln!(text, "| {what} | {target} | {measured:.2} | {reached} |");
}
