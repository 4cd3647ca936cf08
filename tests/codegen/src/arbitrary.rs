//! Any item that a device has memory for: see `stubs/build.rs`.

use proptest::collection::{btree_map, hash_map, vec};
use proptest::num::{f32, f64};
use proptest::option;
use proptest::prelude::*;

use crate::tonic::golden::r#type::{Impl, Self_};
use crate::tonic::golden::types::v1::Point;
use crate::tonic::golden::v1::Item;
use crate::tonic::golden::v1::item::part::Detail;
use crate::tonic::golden::v1::item::{Choice, Part};

/// How many elements and bytes fields hold.
const LEN: usize = 4;
const BYTES: usize = 16;

/// What is not there has no field: -0 is there, and 0 is not, by some libraries only.
const FLOAT: f32::Any = f32::NORMAL;
const DOUBLE: f64::Any = f64::NORMAL;

/// Any item.
pub fn item() -> impl Strategy<Value = Item> {
    (numbers(), present(), lists(), maps(), others()).prop_map(
        |(numbers, present, lists, maps, others)| Item {
            int32: numbers.int32,
            int64: numbers.int64,
            uint32: numbers.uint32,
            uint64: numbers.uint64,
            sint32: numbers.sint32,
            sint64: numbers.sint64,
            fixed32: numbers.fixed32,
            fixed64: numbers.fixed64,
            sfixed32: numbers.sfixed32,
            sfixed64: numbers.sfixed64,
            float: numbers.float,
            double: numbers.double,
            bool: numbers.bool,
            optional_uint32: present.optional_uint32,
            optional_string: present.optional_string,
            optional_kind: present.optional_kind,
            string: present.string,
            bytes: present.bytes,
            numbers: lists.numbers,
            unpacked: lists.unpacked,
            strings: lists.strings,
            blobs: lists.blobs,
            parts: lists.parts,
            kinds: lists.kinds,
            ..maps_and_others(maps, others)
        },
    )
}

fn maps_and_others(maps: Item, others: Item) -> Item {
    Item {
        counts: maps.counts,
        parts_by_number: maps.parts_by_number,
        blobs_by_number: maps.blobs_by_number,
        kinds_by_bool: maps.kinds_by_bool,
        ..others
    }
}

fn numbers() -> impl Strategy<Value = Item> {
    let small = any::<(i32, i64, u32, u64, i32, i64, u32, u64, i32, i64)>();
    (small, FLOAT, DOUBLE, any::<bool>()).prop_map(|(numbers, float, double, bool)| Item {
        int32: numbers.0,
        int64: numbers.1,
        uint32: numbers.2,
        uint64: numbers.3,
        sint32: numbers.4,
        sint64: numbers.5,
        fixed32: numbers.6,
        fixed64: numbers.7,
        sfixed32: numbers.8,
        sfixed64: numbers.9,
        float,
        double,
        bool,
        ..Item::default()
    })
}

fn present() -> impl Strategy<Value = Item> {
    let optional = (
        option::of(any::<u32>()),
        option::of(text()),
        option::of(any::<i32>()),
    );
    let bytes = vec(any::<u8>(), 0..=40);
    (optional, text(), bytes).prop_map(|(optional, string, bytes)| Item {
        optional_uint32: optional.0,
        optional_string: optional.1,
        optional_kind: optional.2,
        string,
        bytes,
        ..Item::default()
    })
}

fn lists() -> impl Strategy<Value = Item> {
    let numbers = (list(any::<i32>()), list(any::<u32>()), list(any::<i32>()));
    let others = (list(text()), list(blob()), list(part()));
    (numbers, others).prop_map(|(numbers, others)| Item {
        numbers: numbers.0,
        unpacked: numbers.1,
        kinds: numbers.2,
        strings: others.0,
        blobs: others.1,
        parts: others.2,
        ..Item::default()
    })
}

fn maps() -> impl Strategy<Value = Item> {
    (
        hash_map(text(), any::<u32>(), 0..=LEN),
        hash_map(any::<i32>(), part(), 0..=LEN),
        hash_map(any::<u64>(), blob(), 0..=LEN),
        btree_map(any::<bool>(), any::<i32>(), 0..=2),
    )
        .prop_map(|maps| Item {
            counts: maps.0,
            parts_by_number: maps.1,
            blobs_by_number: maps.2,
            kinds_by_bool: maps.3.into_iter().collect(),
            ..Item::default()
        })
}

fn others() -> impl Strategy<Value = Item> {
    let messages = (
        option::of(point()),
        option::of(reserved()),
        option::of(Just(())),
    );
    let far = any::<(bool, bool)>();
    (option::of(choice()), messages, any::<i32>(), far).prop_map(
        |(choice, messages, state, far)| Item {
            choice,
            point: messages.0,
            reserved: messages.1,
            empty: messages.2,
            state,
            far: far.0,
            farthest: far.1,
            ..Item::default()
        },
    )
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        any::<u32>().prop_map(Choice::Number),
        text().prop_map(Choice::Text),
        part().prop_map(Choice::Part),
        any::<i32>().prop_map(Choice::Chosen),
        blob().prop_map(Choice::Blob),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    let detail = || text().prop_map(|text| Detail { text });
    (option::of(detail()), list(detail()), any::<i32>()).prop_map(|(detail, details, kind)| Part {
        detail,
        details,
        kind,
    })
}

fn point() -> impl Strategy<Value = Point> {
    (DOUBLE, FLOAT).prop_map(|(x, y)| Point { x, y })
}

fn reserved() -> impl Strategy<Value = Self_> {
    let inner = option::of(any::<bool>().prop_map(|r#impl| Impl { r#impl }));
    (text(), any::<bool>(), any::<u32>(), inner).prop_map(|(r#type, self_, r#match, r#struct)| {
        Self_ {
            r#type,
            self_,
            r#match,
            r#struct,
        }
    })
}

/// Up to 16 bytes, of one to four for each character.
fn text() -> impl Strategy<Value = String> {
    list(any::<char>()).prop_map(String::from_iter)
}

fn blob() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=BYTES)
}

fn list<S: Strategy>(element: S) -> impl Strategy<Value = Vec<S::Value>> {
    vec(element, 0..=LEN)
}
