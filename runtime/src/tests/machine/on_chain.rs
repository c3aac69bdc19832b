//! The runtime under test: sends it what the model is sent.

use super::market::{periods, Act, Batch, Consent, Offer, Told, Who, ACTORS, PROGRAMS};
use super::picks::Claim;
use super::strategy::Machine;
use crate::tests::{chain::*, providing::consent};
use crate::{
    AccountId, Balances, Beacon, Jobs, Models, Rewards, Runtime, RuntimeCall, RuntimeError,
    RuntimeEvent, System,
};
use codec::Encode;
use frame_support::{
    assert_ok,
    traits::{OnIdle, OnInitialize},
    weights::Weight,
};
use mizan_protocol::{
    jobs::{BlobServers, Hashes},
    ModelId, Timing, UNIT,
};
use mizan_tensor::{Operand, Operation, Parameter, Program, TensorType};
use polkadot_sdk::*;
use sp_core::H256;
use sp_runtime::{traits::Dispatchable, DispatchError};

/// What the six accounts of the development chain have together.
pub(super) const GENESIS: u128 = 6_000_000 * UNIT;
/// Every input, every output and every trace is named by the same hash.
pub(super) const INPUT: H256 = H256([5; 32]);
pub(super) const OUTPUT: H256 = H256([7; 32]);
pub(super) const TRACE: H256 = H256([8; 32]);

/// The chain on which the test runs, with what the model calls by numbers.
pub(super) struct Chain {
    pub(super) programs: [ModelId; PROGRAMS.len()],
}

pub(super) fn account(who: Who) -> AccountId {
    id(ACTORS[who])
}

fn timing_of_the_model() -> Timing {
    Timing {
        challenge_blocks: periods::CHALLENGE,
        decline_blocks: periods::DECLINE,
        min_duration_blocks: periods::MIN_DURATION,
        max_duration_blocks: periods::MAX_DURATION,
        max_wait_blocks: periods::MAX_WAIT,
        heartbeat_blocks: periods::HEARTBEAT,
        liveness_blocks: periods::LIVENESS,
        back_off_blocks: periods::BACK_OFF,
        era_blocks: periods::ERA,
        retention_eras: periods::RETENTION_ERAS,
    }
}

/// Two operations of different size, each with an input and an output of its own.
fn large_program() -> Program {
    let small = program(Alice);
    let parameter = |tensor| Parameter {
        hash: [1; 32],
        tensor,
    };
    let linear = |input, weights| Operation::Linear {
        input: Operand::Input(input),
        weights,
        channels: weights + 1,
        table: Some(0),
    };
    Program {
        inputs: vec![TensorType::i8(&[1_024]), TensorType::i8(&[8])],
        parameters: vec![
            parameter(TensorType::i8(&[1_024, 1_024])),
            parameter(TensorType::channels(1_024)),
            parameter(TensorType::i8(&[3, 8])),
            parameter(TensorType::channels(3)),
        ],
        operations: vec![linear(0, 0), linear(1, 2)],
        outputs: vec![0, 1],
        ..small
    }
}

fn registered(program: &Program) -> ModelId {
    let bytes = program.encode().try_into().expect("it is short");
    assert_ok!(Models::register_model(signed(Alice), bytes));
    H256(program.id())
}

pub(super) fn registered_large_program() -> ModelId {
    registered(&large_program())
}

impl Chain {
    /// Brings the development chain where the model begins: short periods, two programs, and all
    /// money with Alice that the actors should not have.
    pub(super) fn like(machine: &Machine) -> Self {
        let timing = timing_of_the_model();
        assert_eq!(timing.check(), Ok(()));
        pallet_jobs::TimingRecord::<Runtime>::put(timing);
        for (who, wealth) in ACTORS.into_iter().zip(machine.wealth) {
            let surplus = free(who) - wealth;
            let to = id(Alice).into();
            assert_ok!(Balances::transfer_allow_death(signed(who), to, surplus));
        }
        let programs = [registered(&program(Alice)), registered_large_program()];
        let chain = Self { programs };
        for (by, act) in &machine.opening {
            assert_eq!(chain.send(*by, act), Ok(()), "{act:?}");
        }
        chain
    }

    /// Sends it as a transaction's call is sent, without the fee. Says why it is refused.
    pub(super) fn send(&self, by: Who, act: &Act) -> Result<(), String> {
        let result = self.call(by, act).dispatch(signed(ACTORS[by]));
        result.map(drop).map_err(|refused| named(refused.error))
    }

    fn call(&self, by: Who, act: &Act) -> RuntimeCall {
        match act {
            Act::Post(offer) => self.post(offer),
            Act::Cancel(job) => pallet_jobs::Call::cancel_job { job: job.id() }.into(),
            Act::Decline(job, reason) => {
                let (job, reason) = (job.id(), *reason);
                pallet_jobs::Call::decline_job { job, reason }.into()
            }
            Act::Attest {
                job,
                claim,
                outputs,
            } => pallet_jobs::Call::attest_job {
                job: job.id(),
                assigned_block_hash: hash(*claim),
                outputs: hashes(OUTPUT, *outputs),
                trace: TRACE,
            }
            .into(),
            Act::Transfer {
                to,
                amount,
                keep_alive,
            } => {
                let (dest, value) = (account(*to).into(), *amount);
                if *keep_alive {
                    pallet_balances::Call::transfer_keep_alive { dest, value }.into()
                } else {
                    pallet_balances::Call::transfer_allow_death { dest, value }.into()
                }
            }
            Act::Burn(amount) => pallet_rewards::Call::burn { amount: *amount }.into(),
            Act::BurnUncounted(value) => pallet_balances::Call::burn {
                value: *value,
                keep_alive: true,
            }
            .into(),
            Act::Batch(kind, acts) => {
                let calls = acts.iter().map(|act| self.call(by, act)).collect();
                match kind {
                    Batch::UntilRefused => pallet_utility::Call::batch { calls }.into(),
                    Batch::AllOrNothing => pallet_utility::Call::batch_all { calls }.into(),
                    Batch::Whatever => pallet_utility::Call::force_batch { calls }.into(),
                }
            }
            Act::IfElse(main, fallback) => pallet_utility::Call::if_else {
                main: Box::new(self.call(by, main)),
                fallback: Box::new(self.call(by, fallback)),
            }
            .into(),
            of_providers => workforce_call(by, of_providers).into(),
        }
    }

    fn post(&self, offer: &Offer) -> RuntimeCall {
        let model = self.programs.get(offer.model).copied();
        pallet_jobs::Call::post_job {
            model: model.unwrap_or(H256([9; 32])),
            batch: offer.batch,
            inputs: hashes(INPUT, offer.inputs),
            price_per_unit: offer.price,
            duration_blocks: offer.duration,
            wait_blocks: offer.wait,
            worker: offer.worker.map(account),
            blob_servers: servers(&offer.servers),
        }
        .into()
    }
}

fn workforce_call(by: Who, act: &Act) -> pallet_providers::Call<Runtime> {
    use pallet_providers::Call;
    match act {
        Act::RegisterProvider(bond) => Call::register_provider { bond: *bond },
        Act::Bond(amount) => Call::bond { amount: *amount },
        Act::Unbond(amount) => Call::unbond { amount: *amount },
        Act::Exit => Call::exit {},
        Act::RegisterWorker {
            worker,
            ask,
            slots,
            consent: word,
        } => Call::register_worker {
            worker: account(*worker),
            ask: *ask,
            slots: *slots,
            consent: match word {
                Consent::None => None,
                Consent::ToThisProvider => Some(consent(ACTORS[by], ACTORS[*worker])),
                Consent::ToAnother => Some(consent(Alice, ACTORS[*worker])),
            },
        },
        Act::SetAsk(worker, ask) => Call::set_ask {
            worker: account(*worker),
            ask: *ask,
        },
        Act::DeregisterWorker(worker) => Call::deregister_worker {
            worker: account(*worker),
        },
        Act::Heartbeat => Call::heartbeat {},
        other => panic!("no call about providers: {other:?}"),
    }
}

fn hash(claim: Claim) -> H256 {
    match claim {
        Claim::Block(block) => block_hash(block),
        Claim::Zeros => H256::zero(),
        Claim::Assignment => panic!("the claim is not resolved"),
    }
}

fn hashes(hash: H256, count: usize) -> Hashes {
    vec![hash; count].try_into().expect("few fit")
}

fn servers(addresses: &[String]) -> BlobServers {
    let bytes = |address: &String| address.as_bytes().to_vec().try_into();
    let bounded: Result<Vec<_>, _> = addresses.iter().map(bytes).collect();
    bounded
        .expect("they are short")
        .try_into()
        .expect("they are few")
}

/// An error as the model writes it.
fn named(error: DispatchError) -> String {
    match error {
        DispatchError::Module(_) => {
            let known = RuntimeError::from_dispatch_error(error);
            format!("{:?}", known.expect("the pallet has errors"))
        }
        other => format!("{other:?}"),
    }
}

/// What the wrappers told since there were that many events, and what the model expects them to.
pub(super) fn told_since(before: usize, expected: &[Told]) -> (Vec<String>, Vec<String>) {
    use pallet_utility::Event::{BatchInterrupted, IfElseFallbackCalled, ItemFailed};
    let told = |event| match event {
        RuntimeEvent::Utility(BatchInterrupted { index, error }) => {
            Some(format!("interrupted at {index}: {}", named(error)))
        }
        RuntimeEvent::Utility(ItemFailed { error }) => {
            Some(format!("item refused: {}", named(error)))
        }
        RuntimeEvent::Utility(IfElseFallbackCalled { main_error }) => {
            Some(format!("fell back: {}", named(main_error)))
        }
        _ => None,
    };
    let expected = expected.iter().map(|told| match told {
        Told::Interrupted(index, refusal) => format!("interrupted at {index}: {refusal}"),
        Told::ItemRefused(refusal) => format!("item refused: {refusal}"),
        Told::FellBack(refusal) => format!("fell back: {refusal}"),
    });
    let since = events().into_iter().skip(before);
    (since.filter_map(told).collect(), expected.collect())
}

/// Ends this block and begins one whose weight others used up: nothing is left for jobs.
pub(super) fn pass_into_crowded_block() {
    Jobs::on_idle(now(), Weight::from_parts(u64::MAX / 8, u64::MAX / 8));
    check_invariants();
    let block = now() + 1;
    System::initialize(&block, &block_hash(block - 1), &Default::default());
    Beacon::on_initialize(block);
    Rewards::on_initialize(block);
}
