//! How an attestation looks when it is signed.

use crate::{AccountId, RuntimeCall, Signature};
use codec::Decode;
use pallet_disputes::{AttestationReader, SignedAttestation};
use polkadot_sdk::*;
use sp_io::hashing::blake2_256;
use sp_runtime::traits::Verify;

/// Longest payload that is signed as it is; of a longer one its hash is signed. See
/// `sp_runtime::generic::SignedPayload`.
const LONGEST_SIGNED_BYTES: usize = 256;

/// Reads attestations out of what signers of transactions sign.
pub struct Reader;

impl AttestationReader<AccountId, Signature> for Reader {
    fn read(
        payload: &[u8],
        signature: &Signature,
        worker: &AccountId,
    ) -> Option<SignedAttestation> {
        let signed = if payload.len() > LONGEST_SIGNED_BYTES {
            signature.verify(&blake2_256(payload)[..], worker)
        } else {
            signature.verify(payload, worker)
        };
        if !signed {
            return None;
        }
        // The call comes first; what extensions add after it does not change what was claimed.
        match RuntimeCall::decode(&mut &*payload).ok()? {
            RuntimeCall::Jobs(pallet_jobs::Call::attest_job {
                job,
                assigned_block_hash,
                outputs,
                trace,
            }) => Some(SignedAttestation {
                job,
                assigned_block_hash,
                outputs,
                trace,
            }),
            _ => None,
        }
    }
}
