//! The runtime under test: sends it what the model is sent.

use super::audit_acts::audit_call;
use super::market::{periods, Offer, Who, ACTORS, MAX_BATCH, PROGRAMS};
use super::money::{AUDITED, FOLLOWED};
use super::picks::{Claim, Damage, Form, Second};
use super::results::{programs, Fault, Work};
use super::sending::{Act, Batch, Consent, Told};
use super::strategy::{Lane, Machine};
use crate::tests::{chain::*, providing::consent};
use crate::{
    AccountId, Balances, Models, Rewards, Runtime, RuntimeCall, RuntimeError, RuntimeEvent, System,
};
use codec::Encode;
use frame_support::{
    assert_ok,
    dispatch::{DispatchClass, Pays},
    traits::OnInitialize,
};
use mizan_protocol::{
    jobs::{BlobServers, Hashes},
    Economics, ModelId, Timing, UNIT,
};
use mizan_tensor::Program;
use polkadot_sdk::*;
use sp_core::H256;
use sp_runtime::{traits::Dispatchable, DispatchError, Perbill};

/// What the six accounts of the development chain have together.
pub(super) const GENESIS: u128 = 6_000_000 * UNIT;
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
        answer_blocks: periods::ANSWER,
        draw_delay_slots: periods::DRAW_DELAY,
        audit_blocks: periods::AUDIT,
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

fn economics_of_the_model() -> Economics {
    Economics {
        audit_probability: Perbill::from_percent(AUDITED as u32),
        further_probability: Perbill::from_percent(FOLLOWED as u32),
        ..economics()
    }
}

fn registered(program: &Program) -> ModelId {
    let bytes = program.encode().try_into().expect("it is short");
    assert_ok!(Models::register_model(signed(Alice), bytes));
    H256(program.id())
}

pub(super) fn registered_large_program() -> ModelId {
    registered(&programs()[1])
}

impl Chain {
    /// Brings the development chain where the model begins: short periods, two programs, and all
    /// money with Alice that the actors should not have.
    pub(super) fn like(machine: &Machine) -> Self {
        let timing = timing_of_the_model();
        assert_eq!(timing.check(), Ok(()));
        pallet_jobs::TimingRecord::<Runtime>::put(timing);
        let economics = economics_of_the_model();
        assert_eq!(economics.check(), Ok(()));
        pallet_rewards::EconomicsRecord::<Runtime>::put(economics);
        for (who, wealth) in ACTORS.into_iter().zip(machine.wealth) {
            let surplus = free(who) - wealth;
            let to = id(Alice).into();
            assert_ok!(Balances::transfer_allow_death(signed(who), to, surplus));
        }
        let chain = Self {
            programs: programs().map(|program| registered(&program)),
        };
        for (by, act) in &machine.opening {
            assert_eq!(chain.send(*by, act), Ok(Pays::Yes), "{act:?}");
        }
        chain
    }

    /// Sends it as a transaction's call is sent, without the fee. Says whether there would be one,
    /// or why it is refused.
    pub(super) fn send(&self, by: Who, act: &Act) -> Result<Pays, String> {
        let result = self.call(by, act).dispatch(signed(ACTORS[by]));
        let result = result.map(|done| done.pays_fee);
        result.map_err(|refused| named(refused.error))
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
                result,
            } => attestation(job.id(), *claim, *outputs, result.work()),
            Act::RefuseDelivery(job) => pallet_jobs::Call::refuse_delivery { job: job.id() }.into(),
            Act::Prove { .. } | Act::ShowSecond(..) | Act::Demand(..) | Act::Answer { .. } => {
                dispute_call(act).into()
            }
            Act::Transfer {
                to,
                amount,
                keep_alive,
            } => transfer(*to, *amount, *keep_alive).into(),
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
            Act::Audit(act) => audit_call(act).into(),
            of_providers => workforce_call(by, of_providers).into(),
        }
    }

    fn post(&self, offer: &Offer) -> RuntimeCall {
        let model = self.programs.get(offer.model).copied();
        // What is wrong with the offer is wrong with its inputs only in their number.
        let work = Work {
            model: offer.model.min(PROGRAMS.len() - 1),
            batch: offer.batch.clamp(1, MAX_BATCH),
            fault: Fault::None,
        };
        pallet_jobs::Call::post_job {
            model: model.unwrap_or(H256([9; 32])),
            batch: offer.batch,
            inputs: hashes(&work.names().inputs, offer.inputs),
            price_per_unit: offer.price,
            duration_blocks: offer.duration,
            wait_blocks: offer.wait,
            worker: offer.worker.map(account),
            blob_servers: servers(&offer.servers),
        }
        .into()
    }
}

fn transfer(to: Who, value: u128, keep_alive: bool) -> pallet_balances::Call<Runtime> {
    let dest = account(to).into();
    if keep_alive {
        pallet_balances::Call::transfer_keep_alive { dest, value }
    } else {
        pallet_balances::Call::transfer_allow_death { dest, value }
    }
}

fn attestation(job: u64, claim: Claim, outputs: usize, result: Work) -> RuntimeCall {
    let names = result.names();
    pallet_jobs::Call::attest_job {
        job,
        assigned_block_hash: hash(claim),
        outputs: hashes(&names.outputs, outputs),
        trace: names.trace,
    }
    .into()
}

fn dispute_call(act: &Act) -> pallet_disputes::Call<Runtime> {
    use pallet_disputes::Call;
    match act {
        Act::Prove {
            job,
            accusation,
            shown,
        } => Call::submit_fraud_proof {
            job: job.id(),
            accusation: *accusation,
            evidence: sent_bytes(shown.damage, &shown.source.work().evidence(accusation)),
        },
        Act::ShowSecond(job, second) => {
            let (payload, signature) = signed_payload(job.id(), second);
            Call::submit_second_attestation {
                job: job.id(),
                payload: payload.try_into().expect("it is short"),
                signature,
            }
        }
        Act::Demand(job, request) => Call::demand {
            job: job.id(),
            request: *request,
        },
        Act::Answer { job, demand, shown } => {
            let (demand, request) = demand.resolved();
            let answer = request.map(|request| shown.source.work().answer(&request));
            Call::answer {
                job: job.id(),
                demand,
                answer: sent_bytes(shown.damage, &answer.unwrap_or_default()),
            }
        }
        other => panic!("no call about results: {other:?}"),
    }
}

/// Evidence or an answer after what is done to it.
pub(super) fn sent_bytes<B: TryFrom<Vec<u8>>>(damage: Damage, bytes: &[u8]) -> B {
    let mut bytes = bytes.to_vec();
    match damage {
        Damage::None => (),
        Damage::Missing => bytes.clear(),
        Damage::Trailing => bytes.push(0),
        Damage::Flipped => bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1),
    }
    let sent = bytes.try_into();
    sent.unwrap_or_else(|_| panic!("it is not too long"))
}

/// What a transaction's signer signs: the call, and what extensions add.
fn signed_payload(job: u64, second: &Second) -> (Vec<u8>, sp_runtime::MultiSignature) {
    let work = second.result.work();
    let call = match second.form {
        Form::OtherCall => pallet_providers::Call::heartbeat {}.into(),
        Form::Short | Form::Long | Form::LongUnhashed => {
            let job = job + u64::from(second.of_next);
            attestation(job, second.claim, PROGRAMS[work.model].outputs, work)
        }
    };
    let long = matches!(second.form, Form::Long | Form::LongUnhashed);
    let extensions = vec![0xa5; if long { 300 } else { 60 }];
    let payload = [call.encode(), extensions].concat();
    let signer = ACTORS[second.signer.expect("it is resolved")];
    let signature = match second.form {
        Form::Long => signer.sign(&sp_io::hashing::blake2_256(&payload)),
        Form::Short | Form::LongUnhashed | Form::OtherCall => signer.sign(&payload),
    };
    (payload, signature.into())
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
        Act::GoOffline => Call::go_offline {},
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

/// So many of the hashes, or more.
fn hashes(right: &[H256], count: usize) -> Hashes {
    let more = std::iter::repeat(H256([5; 32]));
    let hashes = right.iter().copied().chain(more).take(count);
    hashes.collect::<Vec<_>>().try_into().expect("few fit")
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
    use pallet_disputes::Event::FraudProofFailed;
    use pallet_utility::Event::{BatchInterrupted, IfElseFallbackCalled, ItemFailed};
    let told = |event| match event {
        RuntimeEvent::Utility(BatchInterrupted { index, error }) => {
            Some(format!("interrupted at {index}: {}", named(error)))
        }
        RuntimeEvent::Utility(ItemFailed { error }) => {
            Some(format!("item refused: {}", named(error)))
        }
        RuntimeEvent::Disputes(FraudProofFailed { job, flaw, .. }) => {
            Some(format!("proves nothing of {job}: {flaw:?}"))
        }
        RuntimeEvent::Utility(IfElseFallbackCalled { main_error }) => {
            Some(format!("fell back: {}", named(main_error)))
        }
        _ => None,
    };
    let expected = expected.iter().map(|told| match told {
        Told::Interrupted(index, refusal) => format!("interrupted at {index}: {refusal}"),
        Told::ItemRefused(refusal) => format!("item refused: {refusal}"),
        Told::ProvedNothing(job, flaw) => format!("proves nothing of {job}: {flaw:?}"),
        Told::FellBack(refusal) => format!("fell back: {refusal}"),
    });
    let since = events().into_iter().skip(before);
    (since.filter_map(told).collect(), expected.collect())
}

/// Ends this block and begins one whose weight others used up: nothing is left for jobs.
pub(super) fn pass_into_crowded_block() {
    end_block();
    let block = start_bare_block(slot() + 1);
    Rewards::on_initialize(block);
}

/// Others' transactions use up this block, as far as their lane goes.
pub(super) fn fill(lane: Lane) {
    let block = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
    let class = match lane {
        Lane::Normal => DispatchClass::Normal,
        Lane::Operational => DispatchClass::Operational,
    };
    System::register_extra_weight_unchecked(block, class);
}
