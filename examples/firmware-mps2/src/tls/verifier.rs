//! Whether a server is the one it has to be.

use embedded_tls::pki::CertVerifier;
use embedded_tls::{
    Aes128GcmSha256, Certificate, CertificateRef, CertificateVerifyRef, CryptoProvider,
    CryptoRngCore, Sha256, TlsClock, TlsError, TlsVerifier,
};

use crate::host;

/// The longest certificate of a server.
const CERTIFICATE: usize = 1024;

/// What embedded-tls asks for during a handshake.
pub(super) struct Provider<'a, R> {
    rng: &'a mut R,
    verifier: Verifier<'a>,
}

/// Checks the server's certificate, and that the server has its key, each in its turn.
///
/// embedded-tls calls it when it has something to check, and not when a server leaves it out; it takes a
/// certificate for the next authority even if it is none. So this has no chains, and remembers what
/// was checked.
struct Verifier<'a> {
    rules: CertVerifier<'a, Aes128GcmSha256, Clock, CERTIFICATE>,
    checked: Checked,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    Nothing,
    Certificate,
    Key,
}

/// The time of day, by which certificates expire. A board without a clock asks a time server; without
/// any time (`embedded_tls::NoClock`) they never do.
struct Clock;

impl<'a, R: CryptoRngCore> Provider<'a, R> {
    pub(super) fn new(authority: &'a [u8], rng: &'a mut R) -> Self {
        let verifier = Verifier {
            rules: CertVerifier::new(Certificate::X509(authority)),
            checked: Checked::Nothing,
        };
        Self { rng, verifier }
    }

    /// After the handshake: whether the server was checked at all.
    pub(super) fn check(&self) -> Result<(), TlsError> {
        match self.verifier.checked {
            Checked::Key => Ok(()),
            Checked::Nothing | Checked::Certificate => Err(TlsError::InvalidHandshake),
        }
    }
}

impl<R: CryptoRngCore> CryptoProvider for Provider<'_, R> {
    type CipherSuite = Aes128GcmSha256;
    type Signature = &'static [u8];

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut *self.rng
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

impl TlsVerifier<Aes128GcmSha256> for Verifier<'_> {
    fn set_hostname_verification(&mut self, name: &str) -> Result<(), TlsError> {
        self.rules.set_hostname_verification(name)
    }

    fn verify_certificate(
        &mut self,
        transcript: &Sha256,
        certificate: CertificateRef<'_>,
    ) -> Result<(), TlsError> {
        if self.checked != Checked::Nothing || certificate.entries.len() != 1 {
            return Err(TlsError::InvalidCertificate);
        }
        self.rules.verify_certificate(transcript, certificate)?;
        self.checked = Checked::Certificate;
        Ok(())
    }

    fn verify_signature(&mut self, signature: CertificateVerifyRef<'_>) -> Result<(), TlsError> {
        if self.checked != Checked::Certificate {
            return Err(TlsError::InvalidHandshake);
        }
        self.rules.verify_signature(signature)?;
        self.checked = Checked::Key;
        Ok(())
    }
}

impl TlsClock for Clock {
    fn now() -> Option<u64> {
        Some(host::seconds().into())
    }
}
