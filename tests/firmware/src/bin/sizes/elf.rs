//! What an image takes, read off its file.

use std::fs;
use std::path::Path;

use object::elf::{FileHeader32, SHF_ALLOC, SHT_NOBITS};
use object::read::elf::{ElfFile, FileHeader, SectionHeader};
use object::{Endianness, Object, ObjectSymbol, SymbolKind};
use rustc_demangle::demangle;

/// Where RAM begins.
const RAM: u32 = 0x2000_0000;

type Header = FileHeader32<Endianness>;

/// What an image takes, in bytes.
pub(crate) struct Image {
    /// Code, constants and the first values of statics.
    pub(crate) flash: u64,
    /// Statics.
    pub(crate) ram: u64,
    /// The statics by themselves, the largest first.
    pub(crate) statics: Vec<Static>,
}

/// A static.
pub(crate) struct Static {
    pub(crate) name: String,
    pub(crate) size: u64,
}

impl Image {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("the image was built");
        let file = ElfFile::<Header>::parse(bytes.as_slice()).expect("it is an ELF file");
        let (flash, ram) = memory(bytes.as_slice());
        let mut statics: Vec<Static> = file
            .symbols()
            .filter_map(|symbol| Static::new(&symbol))
            .collect();
        statics.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
        Self {
            flash,
            ram,
            statics,
        }
    }
}

impl Static {
    fn new<'a>(symbol: &impl ObjectSymbol<'a>) -> Option<Self> {
        let is_static = symbol.kind() == SymbolKind::Data && symbol.address() >= u64::from(RAM);
        let name = symbol.name().ok().filter(|_| is_static)?;
        Some(Self {
            name: format!("{:#}", demangle(name)),
            size: symbol.size(),
        })
    }
}

/// Bytes of flash and of RAM. What has a first value in flash is in both.
fn memory(bytes: &[u8]) -> (u64, u64) {
    let header = Header::parse(bytes).expect("it is an ELF file");
    let endian = header.endian().expect("it has an order of bytes");
    let sections = header
        .section_headers(endian, bytes)
        .expect("it has sections");
    let (mut flash, mut ram) = (0, 0);
    for section in sections {
        let size = u64::from(section.sh_size(endian));
        if section.sh_flags(endian) & SHF_ALLOC == 0 {
            continue;
        }
        if section.sh_type(endian) != SHT_NOBITS {
            flash += size;
        }
        if section.sh_addr(endian) >= RAM {
            ram += size;
        }
    }
    (flash, ram)
}
