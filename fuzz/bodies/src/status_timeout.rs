//! `grpc-status` and `grpc-timeout`: what is written is read back, and nothing is read that was not
//! written.

use std::time::Duration;

use arbitrary::{Arbitrary as _, Result, Unstructured};
use grpc_websocket_core::wire::timeout;
use grpc_websocket_core::{Code, Instant};

const MAX: Duration = Duration::from_secs(99_999_999 * 3600);

/// Input: which check, then what it reads.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let _ = match input.int_in_range(0..=2_u8) {
        Ok(0) => check_numbers(&mut input),
        Ok(1) => check_duration(&mut input),
        _ => check_text(input.take_rest()),
    };
}

/// Input: a number, which is a code, an HTTP status or a WebSocket close code.
fn check_numbers(input: &mut Unstructured<'_>) -> Result<()> {
    let number = u16::arbitrary(input)?;
    // Neither a close nor a response without `grpc-status` is ever success.
    assert_ne!(Code::from_close_code(Some(number)), Code::Ok);
    assert_ne!(Code::from_close_code(None), Code::Ok);
    assert_ne!(Code::from_http_status(number % 600), Code::Ok);

    let value = number.to_be_bytes()[1];
    let code = Code::from_value(value);
    assert!(code.value() == value || (value > 16 && code == Code::Unknown));
    assert_eq!(Code::from_value(code.value()), code);
    assert_eq!(code.grpc_status(), code.value().to_string());
    assert_eq!(Code::from_grpc_status(code.grpc_status().as_bytes()), code);
    Ok(())
}

/// Input: a timeout and a point in time.
fn check_duration(input: &mut Unstructured<'_>) -> Result<()> {
    let shift = input.int_in_range(0..=63_u32)?;
    let secs = u64::arbitrary(input)? >> shift;
    let duration = Duration::new(secs, input.int_in_range(0..=999_999_999)?);
    let text = timeout::encode(duration);
    assert!((2..=9).contains(&text.as_bytes().len()));
    let read = timeout::parse(text.as_bytes()).expect("what was written");
    assert_eq!(timeout::encode(read), text);
    // Rounded up by less than one unit, and the unit is the finest with eight digits.
    assert!(read >= duration.min(MAX));
    let slack = read.saturating_sub(duration);
    assert!(slack < Duration::from_nanos(1) || slack < duration / 99_999);
    check_sum(u64::arbitrary(input)?, duration);
    Ok(())
}

fn check_sum(micros: u64, duration: Duration) {
    let start = Instant::from_micros(micros);
    let sum = u128::from(micros) + duration.as_micros();
    let expected = u64::try_from(sum).map(Instant::from_micros);
    let got = start.checked_add(duration);
    assert_eq!(got, expected.ok());
    assert!(got.is_none_or(|end| end >= start && u128::from(end.as_micros()) == sum));
}

/// Input: a text that may be a status or a timeout.
fn check_text(text: &[u8]) -> Result<()> {
    let by_hand = Code::ALL
        .into_iter()
        .find(|code| code.grpc_status().as_bytes() == text);
    assert_eq!(
        Code::from_grpc_status(text),
        by_hand.unwrap_or(Code::Unknown)
    );

    let timeout = timeout::parse(text).ok();
    assert_eq!(timeout, timeout_by_hand(text));
    if let Some(timeout) = timeout {
        let read = timeout::parse(timeout::encode(timeout).as_bytes());
        assert_eq!(
            read,
            Ok(timeout),
            "eight digits hold what eight digits held"
        );
    }
    Ok(())
}

/// The same by a reader that leans on the standard library.
fn timeout_by_hand(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let amount: u64 = digits.parse().ok().filter(|_| is_number)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}
