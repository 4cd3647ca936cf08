//! `grpc-timeout`: one to eight digits and a unit (gRPC PROTOCOL-HTTP2 "Timeout").

use core::time::Duration;

const MAX_VALUE: u64 = 99_999_999;
const MAX_DIGITS: usize = 8;

const NANOS_PER_SEC: u32 = 1_000_000_000;

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
    let (mut part, mut per_sec) = (timeout.subsec_nanos(), NANOS_PER_SEC);
    for unit in [b'n', b'u', b'm'] {
        // No number of this size overflows.
        let units = secs.min(MAX_VALUE).wrapping_mul(u64::from(per_sec));
        let amount = units.wrapping_add(u64::from(part));
        if amount <= MAX_VALUE {
            return TimeoutValue::new(amount, unit);
        }
        (part, per_sec) = (part.div_ceil(1000), per_sec / 1000);
    }
    let mut amount = secs.saturating_add(u64::from(part > 0));
    for unit in [b'S', b'M', b'H'] {
        if amount <= MAX_VALUE {
            return TimeoutValue::new(amount, unit);
        }
        amount = amount.div_ceil(60);
    }
    TimeoutValue::new(MAX_VALUE, b'H')
}

/// The text of a `grpc-timeout` value, at most nine bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutValue {
    /// Right-aligned.
    text: [u8; MAX_DIGITS + 1],
    start: u8,
}

impl TimeoutValue {
    /// Of up to eight digits.
    fn new(amount: u64, unit: u8) -> Self {
        // A division of 64 bits is large on a small device.
        let mut amount = u32::try_from(amount).unwrap_or(u32::MAX);
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
            (Duration::new(99, 999_999_001), "100000m"),
            (Duration::from_secs(100), "100000m"),
            (Duration::new(99_999, 999_000_000), "99999999m"),
            (Duration::new(99_999, 999_000_001), "100000S"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(99_999_999), "99999999S"),
            (Duration::new(99_999_999, 1), "1666667M"),
            (Duration::from_secs(100_000_000), "1666667M"),
            (Duration::from_secs(5_999_999_940), "99999999M"),
            (Duration::from_secs(5_999_999_941), "1666667H"),
            (Duration::from_secs(6_000_000_000), "1666667H"),
            (Duration::MAX, "99999999H"),
        ];
        for (timeout, text) in rows {
            assert_eq!(encode(timeout).as_bytes(), text.as_bytes(), "{timeout:?}");
        }
    }
}
