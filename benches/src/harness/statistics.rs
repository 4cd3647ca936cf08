//! Medians and quartiles.

use serde::Serialize;

/// The quartiles of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Quartiles {
    /// A quarter is below.
    pub(crate) low: f64,
    /// Half are below.
    pub(crate) median: f64,
    /// A quarter is above.
    pub(crate) high: f64,
}

impl Quartiles {
    /// Of numbers in any order; `None` of none.
    #[must_use]
    pub(crate) fn of(mut numbers: Vec<f64>) -> Option<Self> {
        numbers.sort_by(f64::total_cmp);
        Some(Self {
            low: at(&numbers, 0.25)?,
            median: at(&numbers, 0.5)?,
            high: at(&numbers, 0.75)?,
        })
    }
}

/// The number at a part of the way through sorted ones, between its neighbours.
fn at(sorted: &[f64], part: f64) -> Option<f64> {
    let place = part * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_neighbours() {
        let quartiles = Quartiles::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        let Quartiles { low, median, high } = quartiles;
        assert_eq!([low, median, high], [1.75, 2.5, 3.25]);
        assert_eq!(Quartiles::of(Vec::new()), None);
    }
}
