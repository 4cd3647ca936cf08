//! A TLS server that goes through the handshake with anybody, but leaves out what proves who it is
//! (RFC 8446 sections 4.4 and 7.1).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::SystemRandom;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Of a record.
const HEADER: usize = 5;

const SERVER_HELLO: u8 = 2;
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_VERIFY: u8 = 15;
const FINISHED: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// A key share of P-256 before its 65 bytes.
const SHARE: [u8; 4] = [0, 0x17, 0, 65];

/// A message of the handshake.
pub(crate) struct Message(Vec<u8>);

impl Message {
    fn new(kind: u8, body: &[u8]) -> Self {
        Self([&[kind], &length::<3>(body)[..], body].concat())
    }

    /// Shows a certificate, in DER.
    pub(crate) fn certificate(certificate: &[u8]) -> Self {
        let entry = [&length::<3>(certificate), certificate, &[0, 0]].concat();
        Self::new(
            CERTIFICATE,
            &[&[0], &length::<3>(&entry)[..], &entry].concat(),
        )
    }

    /// Claims to have a key, by a signature of ECDSA that is none.
    pub(crate) fn certificate_verify() -> Self {
        Self::new(CERTIFICATE_VERIFY, &[4, 3, 0, 2, 0x30, 0])
    }
}

/// Shakes hands as a server that says no more than this of itself, and waits for the client to end.
pub(crate) async fn shake_hands(mut stream: TcpStream, said: &[Message]) {
    let hello = read_record(&mut stream).await;
    let (answer, shared) = answer(&hello);
    let mut transcript = [hello, answer.clone()].concat();
    let secret = handshake_secret(&shared, &transcript);

    let mut flight = Message::new(ENCRYPTED_EXTENSIONS, &[0, 0]).0;
    for message in said {
        flight.extend(&message.0);
    }
    transcript.extend(&flight);
    let finished = hash_with(&expand(&secret, "finished", &[], 32), &hash(&transcript));
    flight.extend(Message::new(FINISHED, &finished).0);

    let records = [record(HANDSHAKE, &answer), encrypt(&secret, flight)].concat();
    stream.write_all(&records).await.unwrap();
    // How a device ends a connection is not what this is about.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn read_record(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; HEADER];
    stream.read_exact(&mut header).await.unwrap();
    let mut body = vec![0; u16::from_be_bytes([header[3], header[4]]).into()];
    stream.read_exact(&mut body).await.unwrap();
    body
}

/// A ServerHello, and the secret that it makes with that ClientHello.
fn answer(hello: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let key = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
    let public = key.compute_public_key().unwrap();
    let shared = hello.windows(SHARE.len()).position(|bytes| bytes == SHARE);
    let theirs = &hello[shared.unwrap() + SHARE.len()..][..65];
    let theirs = UnparsedPublicKey::new(&ECDH_P256, theirs);
    let shared = agree_ephemeral(key, &theirs, <[u8]>::to_vec).unwrap();

    let versions = [0, 0x2b, 0, 2, 3, 4];
    let extensions = [&versions[..], &[0, 0x33, 0, 69], &SHARE, public.as_ref()].concat();
    let body = [
        &[3, 3],
        &[7; 32][..],
        // No session, AES_128_GCM_SHA256, no compression.
        &[0, 0x13, 0x01, 0],
        &length::<2>(&extensions),
        &extensions,
    ];
    (Message::new(SERVER_HELLO, &body.concat()).0, shared)
}

/// What the server's keys of the handshake are made of.
fn handshake_secret(shared: &[u8], transcript: &[u8]) -> Vec<u8> {
    let early = hash_with(&[0; 32], &[0; 32]);
    let derived = expand(&early, "derived", &hash(&[]), 32);
    let handshake = hash_with(&derived, shared);
    expand(&handshake, "s hs traffic", &hash(transcript), 32)
}

/// The first record of a secret.
fn encrypt(secret: &[u8], mut content: Vec<u8>) -> Vec<u8> {
    let key = UnboundKey::new(&AES_128_GCM, &expand(secret, "key", &[], 16)).unwrap();
    let nonce = Nonce::try_assume_unique_for_key(&expand(secret, "iv", &[], 12)).unwrap();
    content.push(HANDSHAKE);
    let sealed_len = content.len() + AES_128_GCM.tag_len();
    let header = record(APPLICATION_DATA, &vec![0; sealed_len])[..HEADER].to_vec();
    let sealing = LessSafeKey::new(key);
    sealing
        .seal_in_place_append_tag(nonce, Aad::from(header), &mut content)
        .unwrap();
    record(APPLICATION_DATA, &content)
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3], &length::<2>(body)[..], body].concat()
}

/// The length of something in so many bytes.
fn length<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.len().to_be_bytes().last_chunk().unwrap()
}

/// HKDF-Expand-Label, of 32 bytes at most.
fn expand(secret: &[u8], label: &str, context: &[u8], len: u8) -> Vec<u8> {
    let label = [b"tls13 ", label.as_bytes()].concat();
    let lengths = [0, len, label.len() as u8];
    let info = [&lengths, &label[..], &[context.len() as u8], context, &[1]].concat();
    hash_with(secret, &info)[..len.into()].to_vec()
}

fn hash_with(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(HMAC_SHA256, key);
    hmac::sign(&key, bytes).as_ref().to_vec()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}
