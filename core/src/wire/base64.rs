//! Base64 in the standard alphabet without padding (RFC 4648 section 4), as `-bin` metadata has it.

use super::metadata::DecodeError;

/// How many symbols so many bytes take; saturates.
pub(crate) const fn encoded_len(len: usize) -> usize {
    len.div_ceil(3)
        .saturating_mul(4)
        .saturating_sub(match len % 3 {
            0 => 0,
            1 => 2,
            _ => 1,
        })
}

/// How many bytes so many symbols stand for.
const fn decoded_len(len: usize) -> usize {
    let whole = (len / 4).saturating_mul(3);
    whole.saturating_add((len % 4).saturating_sub(1))
}

/// Writes the text to the start of `out`; `None` if it does not fit.
pub(crate) fn encode<'o>(bytes: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    let out = out.get_mut(..encoded_len(bytes.len()))?;
    let (mut rest, mut slots) = (bytes, out.iter_mut());
    while !rest.is_empty() {
        let group = take(&mut rest, 3);
        let mut word = [0; 4];
        word.iter_mut()
            .zip(group)
            .for_each(|(to, from)| *to = *from);
        let mut bits = u32::from_be_bytes(word);
        for slot in slots.by_ref().take(group.len().saturating_add(1)) {
            bits = bits.rotate_left(6);
            let [.., low] = bits.to_be_bytes();
            *slot = symbol(low & 0x3f);
        }
    }
    Some(out)
}

/// Writes the bytes to the start of `out`.
pub(crate) fn decode<'o>(text: &[u8], out: &'o mut [u8]) -> Result<&'o [u8], DecodeError> {
    if text.len() % 4 == 1 {
        return Err(DecodeError::InvalidBase64);
    }
    let out = out
        .get_mut(..decoded_len(text.len()))
        .ok_or(DecodeError::BufferTooSmall)?;
    let (mut rest, mut slots) = (text, out.iter_mut());
    while !rest.is_empty() {
        let symbols = take(&mut rest, 4);
        let word = decode_group(symbols).ok_or(DecodeError::InvalidBase64)?;
        let mut bytes = word.to_be_bytes().into_iter();
        let group = slots.by_ref().take(symbols.len().saturating_sub(1));
        group.zip(&mut bytes).for_each(|(to, from)| *to = from);
        // Bits beyond the last byte must be zero, or one value would have many texts.
        if bytes.any(|rest| rest != 0) {
            return Err(DecodeError::InvalidBase64);
        }
    }
    Ok(out)
}

/// The bits of 2 to 4 symbols, the first at the top.
fn decode_group(symbols: &[u8]) -> Option<u32> {
    let mut bits = 0;
    for &symbol in symbols {
        bits = (bits << 6) | u32::from(value(symbol)?);
    }
    Some(match symbols.len() {
        4 => bits << 8,
        3 => bits << 14,
        _ => bits << 20,
    })
}

/// Cuts `count` bytes off the front, or what there is. Not `chunks`: its iterator can panic as far
/// as a linker sees.
fn take<'b>(rest: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (group, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
    *rest = after;
    group
}

const fn symbol(value: u8) -> u8 {
    match value {
        0..=25 => b'A'.wrapping_add(value),
        26..=51 => b'a'.wrapping_sub(26).wrapping_add(value),
        52..=61 => b'0'.wrapping_sub(52).wrapping_add(value),
        62 => b'+',
        _ => b'/',
    }
}

const fn value(symbol: u8) -> Option<u8> {
    match symbol {
        b'A'..=b'Z' => Some(symbol.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(symbol.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(symbol.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
