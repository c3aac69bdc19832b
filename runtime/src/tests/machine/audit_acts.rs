//! What actors send about auditors and audits: how steps name it, what the model does with it, and
//! the call that it is.

use super::audits::{DrawnSet, Stage};
use super::market::{Market, Refusal, Who};
use super::on_chain::sent_bytes;
use super::picks::{Opening, Pick, Source};
use crate::Runtime;
use mizan_protocol::jobs::AuditScope;
use pallet_disputes::{Call, Verdict};
use polkadot_sdk::*;
use sp_core::H256;

/// A verdict as a step names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// With the receipt over what that result has.
    Pass(Source),
    /// With any receipt.
    PassBlindly,
    Withheld,
    /// That one.
    Said(Verdict),
}

/// What can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuditAct {
    Register(u128),
    Bond(u128),
    Unbond(u128),
    Exit,
    Say(Pick, Word),
    Order(Pick, AuditScope),
    DemandReceipt {
        job: Pick,
        pass: u32,
        index: u64,
    },
    OpenReceipt {
        job: Pick,
        pass: u32,
        shown: Opening,
    },
}

impl AuditAct {
    /// Whether it is free, when it is not refused.
    pub(super) fn is_free(&self) -> bool {
        matches!(self, Self::Say(..) | Self::OpenReceipt { .. })
    }
}

impl Market {
    /// The same act with every job named by its id, and with what is said and shown.
    pub(super) fn resolve_audit(&self, by: Who, act: &AuditAct) -> AuditAct {
        let mut act = *act;
        match &mut act {
            AuditAct::Say(job, word) => {
                *job = self.pick(by, *job);
                *word = self.resolve_word(by, *job, *word);
            }
            AuditAct::OpenReceipt { job, pass, shown } => {
                *job = self.pick(by, *job);
                shown.stream = self.resolve_source(*job, shown.stream);
                shown.blob = self.resolve_source(*job, shown.blob);
                shown.of = self.demanded_receipt(job.id(), *pass);
            }
            AuditAct::Order(job, _) | AuditAct::DemandReceipt { job, .. } => {
                *job = self.pick(by, *job);
            }
            AuditAct::Register(_) | AuditAct::Bond(_) | AuditAct::Unbond(_) | AuditAct::Exit => (),
        }
        act
    }

    fn resolve_word(&self, by: Who, job: Pick, word: Word) -> Word {
        let at_work = self.cases.get(&job.id()).map(|case| &case.audit.stage);
        let receipt = match (word, at_work) {
            (Word::Said(_), _) => return word,
            (Word::Withheld, _) => return Word::Said(Verdict::Withheld),
            (Word::Pass(of), Some(Stage::Open(at_work))) if at_work.duty.auditor == by => {
                let work = self.resolve_source(job, of).work();
                work.receipt(at_work.duty.set)
            }
            (Word::Pass(_) | Word::PassBlindly, _) => H256([7; 32]),
        };
        Word::Said(Verdict::Pass { receipt })
    }

    fn demanded_receipt(&self, id: u64, pass: u32) -> Option<(DrawnSet, u64)> {
        let audit = &self.cases.get(&id)?.audit;
        let demand = audit.receipts.get(&pass)?;
        let named = audit.passes.get(pass as usize)?;
        Some((named.duty.set, demand.index))
    }

    pub(super) fn perform_audit(&mut self, by: Who, act: &AuditAct) -> Result<(), Refusal> {
        match *act {
            AuditAct::Register(bond) => self.register_auditor(by, bond),
            AuditAct::Bond(amount) => self.bond_auditor(by, amount),
            AuditAct::Unbond(amount) => self.unbond_auditor(by, amount),
            AuditAct::Exit => self.exit_auditor(by),
            AuditAct::Say(job, word) => self.say(by, job.id(), word.verdict()),
            AuditAct::Order(job, scope) => self.order_audit(by, job.id(), scope),
            AuditAct::DemandReceipt { job, pass, index } => {
                self.demand_receipt(by, job.id(), pass, index)
            }
            AuditAct::OpenReceipt { job, pass, shown } => {
                self.open_receipt(by, job.id(), pass, shown)
            }
        }
    }
}

impl Word {
    /// The verdict, of a resolved one.
    fn verdict(self) -> Verdict {
        match self {
            Self::Said(verdict) => verdict,
            unresolved => panic!("{unresolved:?} is not resolved"),
        }
    }
}

impl Opening {
    fn bytes(self) -> Vec<u8> {
        let bytes = self.of.and_then(|(set, index)| {
            let (stream, blob) = self.works(set, index)?;
            Some(stream.opening(blob, set, index))
        });
        bytes.unwrap_or_default()
    }
}

pub(super) fn audit_call(act: &AuditAct) -> Call<Runtime> {
    match *act {
        AuditAct::Register(bond) => Call::register_auditor { bond },
        AuditAct::Bond(amount) => Call::bond_auditor { amount },
        AuditAct::Unbond(amount) => Call::unbond_auditor { amount },
        AuditAct::Exit => Call::exit_auditor {},
        AuditAct::Say(job, word) => Call::submit_verdict {
            job: job.id(),
            verdict: word.verdict(),
        },
        AuditAct::Order(job, scope) => Call::order_audit {
            job: job.id(),
            scope,
        },
        AuditAct::DemandReceipt { job, pass, index } => Call::demand_receipt {
            job: job.id(),
            pass,
            index,
        },
        AuditAct::OpenReceipt { job, pass, shown } => Call::open_receipt {
            job: job.id(),
            pass,
            opening: sent_bytes(shown.damage, &shown.bytes()),
        },
    }
}
