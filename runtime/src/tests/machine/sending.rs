//! What actors send, and how the model takes it: alone, or wrapped in batches.

use super::audit_acts::AuditAct;
use super::market::{must, Market, Offer, Refusal, Who};
use super::picks::{Claim, Pick, Second, Shown, Source, Which};
use mizan_protocol::jobs::{Accusation, DeclineReason, Request};
use pallet_disputes::Flaw;

/// A worker key's word that it works for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    None,
    ToThisProvider,
    ToAnother,
}

/// What an actor can send.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Post(Offer),
    Cancel(Pick),
    Decline(Pick, DeclineReason),
    Attest {
        job: Pick,
        claim: Claim,
        outputs: usize,
        result: Source,
    },
    RefuseDelivery(Pick),
    /// A fraud proof.
    Prove {
        job: Pick,
        accusation: Accusation,
        shown: Shown,
    },
    /// A second attestation.
    ShowSecond(Pick, Second),
    Demand(Pick, Request),
    Answer {
        job: Pick,
        demand: Which,
        shown: Shown,
    },
    RegisterProvider(u128),
    Bond(u128),
    Unbond(u128),
    Exit,
    RegisterWorker {
        worker: Who,
        ask: u128,
        slots: u32,
        consent: Consent,
    },
    SetAsk(Who, u128),
    DeregisterWorker(Who),
    Heartbeat,
    GoOffline,
    Transfer {
        to: Who,
        amount: u128,
        keep_alive: bool,
    },
    Burn(u128),
    /// `balances.burn`, which nobody may send.
    BurnUncounted(u128),
    /// About auditors and audits.
    Audit(AuditAct),
    Batch(Batch, Vec<Act>),
    IfElse(Box<Act>, Box<Act>),
}

impl Act {
    /// Whether it is free, when it is not refused and this was told.
    pub(super) fn is_free(&self, told: &[Told]) -> bool {
        match self {
            Self::Prove { .. } | Self::ShowSecond(..) => told.is_empty(),
            Self::Answer { .. } => true,
            Self::Audit(act) => act.is_free(),
            _ => false,
        }
    }
}

/// How a batch takes a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Batch {
    /// What came before it stays, the rest is not tried.
    UntilRefused,
    /// Nothing stays.
    AllOrNothing,
    /// The others are done.
    Whatever,
}

/// What wrappers tell of refusals that they swallowed, and the chain of proofs that prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Interrupted(usize, Refusal),
    ItemRefused(Refusal),
    FellBack(Refusal),
    ProvedNothing(u64, Flaw),
}

impl Market {
    /// Does what an actor sends, resolved, or refuses it and changes nothing.
    pub(super) fn take(&mut self, by: Who, act: &Act) -> Result<(), Refusal> {
        self.told.clear();
        self.dispatch(by, act, false)
    }

    fn dispatch(&mut self, by: Who, act: &Act, in_batch_all: bool) -> Result<(), Refusal> {
        let filtered = match act {
            Act::BurnUncounted(_) => true,
            Act::Batch(Batch::AllOrNothing, _) => in_batch_all,
            _ => false,
        };
        must(!filtered, "System(CallFiltered)")?;
        let before = self.clone();
        let result = self.perform(by, act, in_batch_all);
        if result.is_err() {
            *self = before;
        }
        result
    }

    fn perform(&mut self, by: Who, act: &Act, in_batch_all: bool) -> Result<(), Refusal> {
        match act {
            Act::Post(offer) => self.post(by, offer),
            Act::Cancel(job) => self.cancel(by, job.id()),
            Act::Decline(job, reason) => self.decline(by, job.id(), *reason),
            Act::Attest {
                job,
                claim,
                outputs,
                result,
            } => self.attest(by, job.id(), *claim, *outputs, result.work()),
            Act::RefuseDelivery(job) => self.refuse_delivery(by, job.id()),
            Act::Prove {
                job,
                accusation,
                shown,
            } => self.prove(by, job.id(), *accusation, *shown),
            Act::ShowSecond(job, second) => self.show_second(by, job.id(), second),
            Act::Demand(job, request) => self.demand(by, job.id(), *request),
            Act::Answer { job, demand, shown } => self.answer(by, job.id(), *demand, *shown),
            Act::RegisterProvider(bond) => self.register_provider(by, *bond),
            Act::Bond(amount) => self.bond(by, *amount),
            Act::Unbond(amount) => self.unbond(by, *amount),
            Act::Exit => self.exit(by),
            Act::RegisterWorker {
                worker,
                ask,
                slots,
                consent,
            } => self.register_worker(by, *worker, *ask, *slots, *consent),
            Act::SetAsk(worker, ask) => self.set_ask(by, *worker, *ask),
            Act::DeregisterWorker(worker) => self.deregister_worker(by, *worker),
            Act::Heartbeat => self.heartbeat(by),
            Act::GoOffline => self.go_offline(by),
            Act::Transfer {
                to,
                amount,
                keep_alive,
            } => self.transfer(by, *to, *amount, *keep_alive),
            Act::Burn(amount) => self.burn(by, *amount),
            Act::BurnUncounted(_) => Err("System(CallFiltered)"),
            Act::Audit(act) => self.perform_audit(by, act),
            Act::Batch(kind, acts) => self.batch(by, *kind, acts, in_batch_all),
            Act::IfElse(main, fallback) => self.if_else(by, main, fallback, in_batch_all),
        }
    }

    fn if_else(
        &mut self,
        by: Who,
        main: &Act,
        fallback: &Act,
        in_batch_all: bool,
    ) -> Result<(), Refusal> {
        let Err(refusal) = self.dispatch(by, main, in_batch_all) else {
            return Ok(());
        };
        self.dispatch(by, fallback, in_batch_all)?;
        self.told.push(Told::FellBack(refusal));
        Ok(())
    }

    fn batch(
        &mut self,
        by: Who,
        kind: Batch,
        acts: &[Act],
        in_batch_all: bool,
    ) -> Result<(), Refusal> {
        let in_batch_all = in_batch_all || kind == Batch::AllOrNothing;
        for (index, act) in acts.iter().enumerate() {
            let Err(refusal) = self.dispatch(by, act, in_batch_all) else {
                continue;
            };
            match kind {
                Batch::UntilRefused => {
                    self.told.push(Told::Interrupted(index, refusal));
                    return Ok(());
                }
                Batch::AllOrNothing => return Err(refusal),
                Batch::Whatever => self.told.push(Told::ItemRefused(refusal)),
            }
        }
        Ok(())
    }
}
