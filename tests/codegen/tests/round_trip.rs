//! Messages of both back ends against those of prost that tonic has.

use ::prost::Message as _;
use grpc_websocket_codegen_stubs::{micropb, prost};
use grpc_websocket_codegen_tests::item;
use grpc_websocket_codegen_tests::tonic::golden::v1::Item;
use grpc_websocket_embassy::codec::{Decode, Encode, Micropb, Prost};
use proptest::prelude::*;

/// Reads what tonic's prost wrote, writes it again, and has tonic's prost read that.
fn through<C, M>(item: &Item) -> Item
where
    M: Encode<C> + for<'b> Decode<'b, C>,
{
    let message = <M as Decode<C>>::decode(&item.encode_to_vec()).expect("a message");
    let mut bytes = vec![0; message.encoded_len()];
    let len = message.encode(&mut bytes).expect("room");
    assert_eq!(len, bytes.len());
    if let Some(max) = M::MAX_LEN {
        assert!(len <= max, "{len} of {max}");
    }
    ::prost::Message::decode(&bytes[..]).expect("a message")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn both_back_ends_read_what_prost_writes_and_the_other_way_round(item in item()) {
        prop_assert_eq!(&through::<Micropb, micropb::golden::v1::Item>(&item), &item);
        prop_assert_eq!(&through::<Prost, prost::golden::v1::Item>(&item), &item);
    }
}
