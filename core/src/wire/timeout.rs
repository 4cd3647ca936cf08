//! `grpc-timeout`: one to eight digits and a unit (gRPC PROTOCOL-HTTP2 "Timeout").

use core::time::Duration;

const MAX_VALUE: u64 = 99_999_999;
const MAX_DIGITS: usize = 8;

/// Reads the value of a `grpc-timeout` field.
///
/// ```
/// use core::time::Duration;
/// use grpc_websocket_core::wire::timeout;
/// assert_eq!(timeout::parse(b"250m"), Ok(Duration::from_millis(250)));
/// assert!(timeout::parse(b"1.5S").is_err());
/// ```
///
/// # Errors
/// Anything but 1 to 8 digits followed by one of `H M S m u n`.
pub fn parse(value: &[u8]) -> Result<Duration, InvalidTimeout> {
    let (&unit, digits) = value.split_last().ok_or(InvalidTimeout)?;
    if digits.is_empty() || digits.len() > MAX_DIGITS {
        return Err(InvalidTimeout);
    }
    let amount = digits
        .iter()
        .try_fold(0_u64, |amount, &digit| match digit {
            b'0'..=b'9' => Ok(amount
                .saturating_mul(10)
                .saturating_add(u64::from(digit.wrapping_sub(b'0')))),
            _ => Err(InvalidTimeout),
        })?;
    match unit {
        b'H' => Ok(Duration::from_secs(amount.saturating_mul(3600))),
        b'M' => Ok(Duration::from_secs(amount.saturating_mul(60))),
        b'S' => Ok(Duration::from_secs(amount)),
        b'm' => Ok(Duration::from_millis(amount)),
        b'u' => Ok(Duration::from_micros(amount)),
        b'n' => Ok(Duration::from_nanos(amount)),
        _ => Err(InvalidTimeout),
    }
}

/// Writes a timeout in the finest unit that fits eight digits, rounded up, so that the peer never
/// gives up before this side does. Longer than 99,999,999 hours is written as that.
///
/// ```
/// use core::time::Duration;
/// use grpc_websocket_core::wire::timeout;
/// assert_eq!(timeout::encode(Duration::from_millis(1500)).as_bytes(), b"1500000u");
/// ```
#[must_use]
pub fn encode(timeout: Duration) -> TimeoutValue {
    let secs = timeout.as_secs();
    let nanos = timeout.subsec_nanos();
    let fine = |per_sec: u64, nanos_per_unit: u32| {
        let part = u64::from(nanos.div_ceil(nanos_per_unit));
        secs.checked_mul(per_sec)
            .and_then(|units| units.checked_add(part))
            .filter(|&units| units <= MAX_VALUE)
    };
    let whole_secs = secs.saturating_add(u64::from(nanos > 0));
    let (amount, unit) = if let Some(nanos) = fine(1_000_000_000, 1) {
        (nanos, b'n')
    } else if let Some(micros) = fine(1_000_000, 1_000) {
        (micros, b'u')
    } else if let Some(millis) = fine(1_000, 1_000_000) {
        (millis, b'm')
    } else if whole_secs <= MAX_VALUE {
        (whole_secs, b'S')
    } else if whole_secs.div_ceil(60) <= MAX_VALUE {
        (whole_secs.div_ceil(60), b'M')
    } else {
        (whole_secs.div_ceil(3600).min(MAX_VALUE), b'H')
    };
    TimeoutValue::new(amount, unit)
}

/// The text of a `grpc-timeout` value, at most nine bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutValue {
    /// Right-aligned.
    text: [u8; MAX_DIGITS + 1],
    start: u8,
}

impl TimeoutValue {
    fn new(mut amount: u64, unit: u8) -> Self {
        let mut text = [b'0'; MAX_DIGITS + 1];
        let mut start = MAX_DIGITS;
        if let Some(last) = text.last_mut() {
            *last = unit;
        }
        for slot in text.iter_mut().rev().skip(1) {
            let [digit, ..] = (amount % 10).to_le_bytes();
            *slot = b'0'.wrapping_add(digit);
            amount /= 10;
            start = start.saturating_sub(1);
            if amount == 0 {
                break;
            }
        }
        let [start, ..] = start.to_le_bytes();
        Self { text, start }
    }

    /// The value as it goes into the header block.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(usize::from(self.start)..).unwrap_or_default()
    }
}

/// A `grpc-timeout` value outside the grammar. The peer is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("grpc-timeout is not 1 to 8 digits and one of H, M, S, m, u, n")]
pub struct InvalidTimeout;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;
    use std::string::String;

    const UNITS: [(char, Duration); 6] = [
        ('H', Duration::from_secs(3600)),
        ('M', Duration::from_secs(60)),
        ('S', Duration::from_secs(1)),
        ('m', Duration::from_millis(1)),
        ('u', Duration::from_micros(1)),
        ('n', Duration::from_nanos(1)),
    ];

    #[test]
    fn six_units_with_zero_to_nine_digits() {
        for (unit, one) in UNITS {
            for digits in 0..=9_usize {
                let number: String = "987654321".chars().take(digits).collect();
                let text = format!("{number}{unit}");
                let expected = match number.parse::<u32>() {
                    Ok(amount) if digits <= 8 => Ok(one.saturating_mul(amount)),
                    _ => Err(InvalidTimeout),
                };
                assert_eq!(parse(text.as_bytes()), expected, "{text}");
            }
        }
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in [
            "", "S", "1", "1s", "-1S", "+1S", "1 S", " 1S", "1S ", "0x1S", "1.0S", "1SS",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(InvalidTimeout), "{text:?}");
        }
    }

    #[test]
    fn encoding_takes_the_finest_unit_that_fits_and_rounds_up() {
        let rows = [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_001), "100001u"),
            (Duration::from_micros(99_999_999), "99999999u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(99_999_999), "99999999S"),
            (Duration::from_secs(100_000_000), "1666667M"),
            (Duration::from_secs(6_000_000_000), "1666667H"),
            (Duration::MAX, "99999999H"),
        ];
        for (timeout, text) in rows {
            assert_eq!(encode(timeout).as_bytes(), text.as_bytes(), "{timeout:?}");
        }
    }
}
