//! Driver of the SMSC LAN9118 for embassy-net: frames go through two FIFOs, 32 bits at a time. No
//! DMA.
#![allow(unsafe_code)]

use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_sync::waitqueue::AtomicWaker;
use static_cell::ConstStaticCell;

use crate::registers::Registers;

/// Bytes of the longest frame, without its check sequence.
const FRAME: usize = 1514;
/// Bytes of a frame's check sequence, which the chip hands over as well.
const FCS: usize = 4;

// SAFETY: the chip's registers, by the manual of the board. It cannot touch memory.
const CHIP: Registers = unsafe { Registers::at(0x4020_0000) };

// Offsets of the chip's registers, by its data sheet.
const RX_DATA: usize = 0x00;
const TX_DATA: usize = 0x20;
const RX_STATUS: usize = 0x40;
const IRQ_CFG: usize = 0x54;
const INT_STS: usize = 0x58;
const INT_EN: usize = 0x5c;
const TX_CFG: usize = 0x70;
const HW_CFG: usize = 0x74;
const RX_FIFO_INF: usize = 0x7c;
const TX_FIFO_INF: usize = 0x80;
const MAC_CSR_CMD: usize = 0xa4;
const MAC_CSR_DATA: usize = 0xa8;

// Bits in them.
const SOFT_RESET: u32 = 1;
const IRQ_ON_ACTIVE_HIGH_PUSH_PULL: u32 = 1 << 8 | 1 << 4 | 1;
const TX_ON_STATUS_MAY_OVERRUN: u32 = 1 << 1 | 1 << 2;
const FRAME_CAME: u32 = 1 << 3;
const MAC_BUSY: u32 = 1 << 31;
const MAC_READ: u32 = 1 << 30;
const RX_ERROR: u32 = 1 << 15;
const TX_FIRST_AND_LAST_SEGMENT: u32 = 1 << 13 | 1 << 12;

// Registers of the MAC, which are reached through two of the chip's.
const MAC_CR: u32 = 1;
const MAC_ADDRESS_HIGH: u32 = 2;
const MAC_ADDRESS_LOW: u32 = 3;
const MAC_RX_TX_ON: u32 = 1 << 3 | 1 << 2;

/// Who waits for a frame.
static WAITING: AtomicWaker = AtomicWaker::new();

/// The chip, with room for a frame in each direction.
pub struct Lan9118 {
    address: [u8; 6],
    received: &'static mut [u8; FRAME],
    sent: &'static mut [u8; FRAME],
}

impl Lan9118 {
    /// Starts the chip. Once only.
    pub(crate) fn start() -> Self {
        static RECEIVED: ConstStaticCell<[u8; FRAME]> = ConstStaticCell::new([0; FRAME]);
        static SENT: ConstStaticCell<[u8; FRAME]> = ConstStaticCell::new([0; FRAME]);
        CHIP.write(HW_CFG, SOFT_RESET);
        while CHIP.read(HW_CFG) & SOFT_RESET != 0 {}
        CHIP.write(TX_CFG, TX_ON_STATUS_MAY_OVERRUN);
        CHIP.write(IRQ_CFG, IRQ_ON_ACTIVE_HIGH_PUSH_PULL);
        write_mac(MAC_CR, MAC_RX_TX_ON);
        Self {
            address: address(),
            received: RECEIVED.take(),
            sent: SENT.take(),
        }
    }
}

impl Driver for Lan9118 {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received<'_>, Sent<'_>)> {
        WAITING.register(context.waker());
        // Armed before it is looked: a frame that comes in between raises the interrupt.
        CHIP.write(INT_EN, FRAME_CAME);
        if frames_waiting() == 0 || !room_to_send() {
            return None;
        }
        let received = take_frame(self.received);
        Some((Received(received), Sent(self.sent)))
    }

    fn transmit(&mut self, context: &mut Context<'_>) -> Option<Sent<'_>> {
        if room_to_send() {
            return Some(Sent(self.sent));
        }
        // For the few microseconds of a frame no interrupt is needed.
        context.waker().wake_by_ref();
        None
    }

    fn link_state(&mut self, _context: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.address)
    }
}

/// A frame that came.
pub struct Received<'a>(&'a mut [u8]);

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for a frame to be sent.
pub struct Sent<'a>(&'a mut [u8; FRAME]);

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let frame = &mut self.0[..length];
        let result = f(frame);
        put_frame(frame);
        result
    }
}

/// A frame came.
pub(crate) extern "C" fn on_interrupt() {
    CHIP.write(INT_EN, 0);
    CHIP.write(INT_STS, FRAME_CAME);
    WAITING.wake();
}

fn frames_waiting() -> u32 {
    CHIP.read(RX_FIFO_INF) >> 16 & 0xff
}

/// Whether the FIFO takes the longest frame and its two words of commands.
fn room_to_send() -> bool {
    CHIP.read(TX_FIFO_INF) & 0xffff >= FRAME.next_multiple_of(4) as u32 + 8
}

/// Takes a frame off the FIFO. One that is broken or too long is empty, and dropped as such.
fn take_frame(buffer: &mut [u8; FRAME]) -> &mut [u8] {
    let status = CHIP.read(RX_STATUS);
    let length = (status >> 16 & 0x3fff) as usize;
    let mut words = buffer.chunks_mut(4);
    for _ in 0..length.div_ceil(4) {
        let word = CHIP.read(RX_DATA).to_le_bytes();
        if let Some(bytes) = words.next() {
            bytes.copy_from_slice(&word[..bytes.len()]);
        }
    }
    let valid = status & RX_ERROR == 0 && (FCS..=FRAME + FCS).contains(&length);
    &mut buffer[..if valid { length - FCS } else { 0 }]
}

fn put_frame(frame: &[u8]) {
    let length = frame.len() as u32;
    CHIP.write(TX_DATA, TX_FIRST_AND_LAST_SEGMENT | length);
    CHIP.write(TX_DATA, length);
    for bytes in frame.chunks(4) {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        CHIP.write(TX_DATA, u32::from_le_bytes(word));
    }
}

/// The address that the chip has from its EEPROM.
fn address() -> [u8; 6] {
    let [a, b, c, d] = read_mac(MAC_ADDRESS_LOW).to_le_bytes();
    let [e, f, ..] = read_mac(MAC_ADDRESS_HIGH).to_le_bytes();
    [a, b, c, d, e, f]
}

fn read_mac(register: u32) -> u32 {
    CHIP.write(MAC_CSR_CMD, MAC_BUSY | MAC_READ | register);
    while CHIP.read(MAC_CSR_CMD) & MAC_BUSY != 0 {}
    CHIP.read(MAC_CSR_DATA)
}

fn write_mac(register: u32, value: u32) {
    CHIP.write(MAC_CSR_DATA, value);
    CHIP.write(MAC_CSR_CMD, MAC_BUSY | register);
    while CHIP.read(MAC_CSR_CMD) & MAC_BUSY != 0 {}
}
