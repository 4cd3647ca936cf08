//! Maps of micropb's messages.

use core::cell::Cell;

use micropb::{DecodeError, PbDecoder, PbRead};

/// Reads an entry of a map. A key or a value that is not there is the default: some peers, tonic among
/// them, leave such out, and micropb alone would drop the entry.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode_map_entry<R: PbRead, K: Default, V: Default>(
    decoder: &mut PbDecoder<R>,
    decode_key: impl Fn(&mut K, &mut PbDecoder<R>) -> Result<(), DecodeError<R::Error>>,
    decode_value: impl Fn(&mut V, &mut PbDecoder<R>) -> Result<(), DecodeError<R::Error>>,
) -> Result<Option<(K, V)>, DecodeError<R::Error>> {
    let (key, value) = (Cell::default(), Cell::default());
    decoder.decode_map_elem(
        |(): &mut (), decoder| update(&key, |key| decode_key(key, decoder)),
        |(): &mut (), decoder| update(&value, |value| decode_value(value, decoder)),
    )?;
    Ok(Some((key.into_inner(), value.into_inner())))
}

fn update<T: Default, O>(cell: &Cell<T>, change: impl FnOnce(&mut T) -> O) -> O {
    let mut value = cell.take();
    let output = change(&mut value);
    cell.set(value);
    output
}
