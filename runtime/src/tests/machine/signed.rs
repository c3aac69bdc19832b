//! The same through signed transactions: who pays the fee, and that it does not get lost.

use crate::tests::chain::*;
use crate::{
    Executive, Runtime, RuntimeCall, RuntimeEvent, SignedPayload, System, TxExtension,
    UncheckedExtrinsic,
};
use codec::Encode;
use mizan_protocol::{
    jobs::{DeclineReason, JobState},
    UNIT,
};
use polkadot_sdk::*;
use sp_core::H256;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{generic::Era, DispatchError};

fn transaction(by: Sr25519Keyring, call: RuntimeCall) -> UncheckedExtrinsic {
    let nonce = System::account_nonce(id(by));
    let payment = pallet_transaction_payment::ChargeTransactionPayment::from(0);
    let extension: TxExtension = (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckMortality::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        payment.into(),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    );
    let payload = SignedPayload::new(call.clone(), extension.clone()).expect("nothing is missing");
    let signature = payload.using_encoded(|bytes| by.sign(bytes));
    UncheckedExtrinsic::new_signed(call, id(by).into(), signature.into(), extension)
}

/// Sends it. Gives the fee and what became of the call.
fn send(by: Sr25519Keyring, call: impl Into<RuntimeCall>) -> (u128, Result<(), DispatchError>) {
    use pallet_transaction_payment::Event::TransactionFeePaid;
    let seen = events().len();
    let outcome = Executive::apply_extrinsic(transaction(by, call.into()));
    let fees = events()
        .into_iter()
        .skip(seen)
        .filter_map(|event| match event {
            RuntimeEvent::TransactionPayment(TransactionFeePaid { actual_fee, .. }) => {
                Some(actual_fee)
            }
            _ => None,
        });
    let fee = fees.sum();
    check_invariants();
    (fee, outcome.expect("the transaction is valid"))
}

/// Sends what must succeed. Gives the fee, which is all that the sender is poorer by.
fn sent(by: Sr25519Keyring, call: impl Into<RuntimeCall>) -> u128 {
    let before = wealth(by);
    let (fee, outcome) = send(by, call);
    assert_eq!(outcome, Ok(()));
    assert_eq!(wealth(by), before - fee);
    fee
}

fn post(model: H256) -> RuntimeCall {
    let post = Post::of(model);
    RuntimeCall::Jobs(pallet_jobs::Call::post_job {
        model: post.model,
        batch: post.batch,
        inputs: post.inputs,
        price_per_unit: post.price,
        duration_blocks: post.duration,
        wait_blocks: post.wait,
        worker: post.worker,
        blob_servers: post.blob_servers,
    })
}

fn attestation(job: u64) -> pallet_jobs::Call<Runtime> {
    pallet_jobs::Call::attest_job {
        job,
        assigned_block_hash: block_hash(1),
        outputs: outputs(),
        trace: H256([8; 32]),
    }
}

#[test]
fn requesters_and_providers_pay_fees_and_workers_do_their_duty_free() {
    on_chain(|| {
        let model = model();
        let burned = pallet_rewards::Burned::<Runtime>::get;
        let bond = 100 * UNIT;
        let mut fees = sent(Charlie, pallet_providers::Call::register_provider { bond });
        let register = pallet_providers::Call::register_worker {
            worker: id(Charlie),
            ask: 0,
            slots: 2,
            consent: None,
        };
        fees += sent(Charlie, register);
        assert_eq!(sent(Charlie, pallet_providers::Call::heartbeat {}), 0);
        let calls = vec![post(model), post(model)];
        fees += sent(Bob, pallet_utility::Call::batch_all { calls });
        assert!(fees > 0);
        // No validator made these blocks, so nobody got the fees.
        assert_eq!(burned(), fees);

        let reason = DeclineReason::Unavailable;
        let decline = pallet_jobs::Call::decline_job { job: 0, reason };
        assert_eq!(sent(Charlie, decline), 0);
        pass(1);
        assert_eq!(sent(Charlie, attestation(1)), 0);
        pass(timing().challenge_blocks + 1);
        assert!(matches!(job(1).state, JobState::Settled(..)));
        assert_eq!(sent(Charlie, pallet_providers::Call::go_offline {}), 0);
    });
}

#[test]
fn refused_transaction_costs_its_fee_and_nothing_else() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        sent(Bob, post(model));
        let refusals: [(_, RuntimeCall, DispatchError); 5] = [
            (
                Bob,
                pallet_jobs::Call::cancel_job { job: 0 }.into(),
                pallet_jobs::Error::<Runtime>::NotOpen.into(),
            ),
            // Too early, and so not free.
            (
                Charlie,
                attestation(0).into(),
                pallet_jobs::Error::<Runtime>::WrongAssignmentBlock.into(),
            ),
            (
                Charlie,
                pallet_providers::Call::heartbeat {}.into(),
                pallet_providers::Error::<Runtime>::HeartbeatTooSoon.into(),
            ),
            (
                Dave,
                pallet_providers::Call::go_offline {}.into(),
                pallet_providers::Error::<Runtime>::WorkerUnknown.into(),
            ),
            (
                Dave,
                pallet_utility::Call::batch_all {
                    calls: vec![post(model), post(H256::zero())],
                }
                .into(),
                pallet_jobs::Error::<Runtime>::ModelUnknown.into(),
            ),
        ];
        for (by, call, error) in refusals {
            let (free_before, before) = (free(by), wealth(by));
            let (fee, outcome) = send(by, call);
            assert_eq!(outcome, Err(error));
            assert!(fee > 0);
            assert_eq!((free(by), wealth(by)), (free_before - fee, before - fee));
        }
        assert_eq!(pallet_jobs::NextJobId::<Runtime>::get(), 1);
    });
}
