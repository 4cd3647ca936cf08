//! The chart: how much of the base's CPU time this project takes.

use svg::Document;
use svg::node::element::{Line, Rectangle, Style, Text};

use super::report::{Report, Row};
use super::statistics::Quartiles;
use super::work::Subject;
use crate::measured::{Client, Contender};
use crate::peer::Protocol;

const WIDTH: f64 = 860.0;
const LABELS: f64 = 330.0;
const UNIT: f64 = 380.0;
const BAR: f64 = 22.0;
const TOP: f64 = 44.0;
/// The longest ratio that is drawn.
const MOST: f64 = 1.25;

const STYLE: &str = "text { font: 13px sans-serif; fill: #57606a } .bar { fill: #2f81f7 } \
                     .spread, .base { stroke: #8b949e; stroke-width: 1.5 }";

/// One bar for each work, of the project's usual way to do it.
#[must_use]
pub(crate) fn draw(report: &Report) -> Document {
    let bars: Vec<_> = report.works().filter_map(bar).collect();
    let height = TOP + BAR * bars.len() as f64 + 12.0;
    let mut document = Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH, height))
        .set("role", "img")
        .add(Style::new(STYLE))
        .add(text(
            8.0,
            18.0,
            "CPU time for each message; tonic over HTTP/2 is 1, less is better",
        ))
        .add(text(LABELS + UNIT - 4.0, TOP - 8.0, "1"))
        .add(line(LABELS + UNIT, TOP, height - 8.0).set("class", "base"));
    for (index, (label, ratio)) in bars.iter().enumerate() {
        let y = TOP + BAR * index as f64;
        let length = |ratio: f64| UNIT * ratio.min(MOST);
        let bar = Rectangle::new()
            .set("class", "bar")
            .set("x", LABELS)
            .set("y", y + 3.0)
            .set("width", round(length(ratio.median)))
            .set("height", BAR - 6.0);
        let (low, high) = (LABELS + length(ratio.low), LABELS + length(ratio.high));
        let spread = Line::new()
            .set("class", "spread")
            .set("x1", round(low))
            .set("x2", round(high))
            .set("y1", y + BAR / 2.0)
            .set("y2", y + BAR / 2.0);
        let number = text(high + 8.0, y + 16.0, &format!("{:.2}", ratio.median));
        document = document
            .add(text(8.0, y + 16.0, label))
            .add(bar)
            .add(spread)
            .add(number);
    }
    document
}

fn bar(rows: &[Row]) -> Option<(String, Quartiles)> {
    let base = &rows[0];
    let own = rows.iter().find(|row| is_usual(row.subject))?;
    let ratio = own.ratio(base, |sample| sample.cpu)?;
    Some((base.work.to_string(), ratio))
}

fn is_usual(subject: Subject) -> bool {
    matches!(
        subject,
        Subject::Server(Contender::Routes | Contender::Gateway, Protocol::Mux)
            | Subject::Client(Client::Mux)
    )
}

fn text(x: f64, y: f64, text: &str) -> Text {
    Text::new(text).set("x", round(x)).set("y", y)
}

fn line(x: f64, from: f64, to: f64) -> Line {
    Line::new()
        .set("x1", x)
        .set("x2", x)
        .set("y1", from)
        .set("y2", to)
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
