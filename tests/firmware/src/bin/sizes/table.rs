//! The text of `SIZES.md`.

use std::fmt::Write;

use crate::Row;
use crate::elf::Image;
use crate::partner::Run;

/// Statics with less bytes than this are not named.
const SMALL: u64 = 64;

const INTRODUCTION: &str = "\
# Sizes

What the images cost, in bytes. `tests/firmware/sizes --update` writes this file, and
`tests/firmware/sizes` fails when its first two tables are not true, but for 32 bytes. All are for
thumbv7em-none-eabihf with opt-level z, fat LTO and panic abort.

## Flash and static RAM

All that the linker places, without the feature `log`: vectors, executor, drivers, TCP/IP with 4 KiB
for each direction of a socket, and what the image is about. The stack is not in it.

";

const STATICS: &str = "\
## What is in the RAM

Each static of 64 bytes or more. `POOL` is a task: its future, and what the executor needs for it.

";

const MEASURED: &str = "\
## Measured

Under QEMU, with the feature `log` and all others, of which the column says what was used. Stack: the
most that was in use, logging included. Instructions: of the least of all rounds, from its start to
its end, by all that ran meanwhile: TCP/IP and interrupts too.

";

/// The part of the file that a toolchain makes the same on each machine.
pub(crate) fn exact(images: &[(&Row, Image)]) -> String {
    let mut text = INTRODUCTION.to_owned();
    row(
        &mut text,
        &[
            "image",
            "features",
            "flash",
            "RAM",
            "compared with",
            "flash more",
            "RAM more",
        ],
    );
    row(&mut text, &["---"; 7]);
    for (image_row, image) in images {
        let base = images
            .iter()
            .find(|(base, _)| Some(base.name) == image_row.base);
        let mut cells = vec![
            image_row.name.to_owned(),
            image_row.features.to_owned(),
            image.flash.to_string(),
            image.ram.to_string(),
        ];
        cells.extend(match base {
            Some((base_row, base)) => [
                base_row.name.to_owned(),
                difference(image.flash, base.flash),
                difference(image.ram, base.ram),
            ],
            None => Default::default(),
        });
        row(&mut text, &cells);
    }
    text.push('\n');
    text.push_str(STATICS);
    statics(&mut text, images);
    text
}

fn statics(text: &mut String, images: &[(&Row, Image)]) {
    row(text, &["image", "features", "static", "bytes"]);
    row(text, &["---"; 4]);
    for (image_row, image) in images {
        for item in image.statics.iter().filter(|item| item.size >= SMALL) {
            row(
                text,
                &[
                    image_row.name,
                    image_row.features,
                    &format!("`{}`", item.name),
                    &item.size.to_string(),
                ],
            );
        }
    }
}

/// The part that is a little different each time.
pub(crate) fn measured(runs: &[(&Row, Run)]) -> String {
    let mut text = format!("\n{MEASURED}");
    row(&mut text, &["image", "features", "stack", "instructions"]);
    row(&mut text, &["---"; 4]);
    for (image_row, run) in runs {
        let counts = run
            .instructions
            .iter()
            .map(|(what, count)| format!("{what}: {count}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        row(
            &mut text,
            &[image_row.name, image_row.features, &run.stack, &counts],
        );
    }
    text
}

fn difference(size: u64, base: u64) -> String {
    format!("{:+}", size.cast_signed() - base.cast_signed())
}

fn row(text: &mut String, cells: &[impl AsRef<str>]) {
    for cell in cells {
        write!(text, "| {} ", cell.as_ref()).expect("a string takes it");
    }
    text.push_str("|\n");
}
