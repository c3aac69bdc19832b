//! What the chain says of auditors and audits, in the model's words.

use super::auditors::Auditor;
use super::audits::{AtWork, Audit, DrawnSet, Duty, Pass, ReceiptDemand, Stage};
use super::market::{Market, Who};
use super::reading::who;
use crate::{AccountId, Runtime};
use mizan_protocol::traits::{ClaimedResult, ClaimedResults};
use pallet_disputes::{AuditorAt, AuditorCount, Auditors, Audits, AuditsOf, ReceiptDemands};
use std::collections::{BTreeMap, BTreeSet};

/// In the order of their places.
pub(super) fn read_auditors() -> Vec<Auditor> {
    let places = 0..AuditorCount::<Runtime>::get();
    let read = places.map(|place| {
        let account = AuditorAt::<Runtime>::get(place).expect("every place has one");
        let auditor = Auditors::<Runtime>::get(&account).expect("it is an auditor");
        assert_eq!(auditor.place, place);
        Auditor {
            who: who(&account),
            bond: auditor.bond,
            locked: auditor.locked,
            locks: auditor.locks,
        }
    });
    read.collect()
}

/// The audits of a claimed result.
pub(super) fn read_audit(id: u64) -> Audit {
    let audit = Audits::<Runtime>::get(id).expect("every claimed result has audits");
    let claimed = crate::Jobs::claimed(id).expect("it is claimed");
    assert_impartial(&claimed, &audit);
    Audit {
        stage: read_stage(audit.stage),
        passes: audit.passes.iter().map(read_pass).collect(),
        drawn: audit.drawn.iter().map(who).collect(),
        misses: audit.misses,
        order: audit.order,
        receipts: read_receipts(id),
    }
}

/// Nobody audits twice, or what it has a part in; and whoever is at work was drawn.
fn assert_impartial(claimed: &ClaimedResult<AccountId>, audit: &pallet_disputes::Audit<AccountId>) {
    let once: BTreeSet<_> = audit.drawn.iter().collect();
    assert_eq!(once.len(), audit.drawn.len(), "one is drawn twice");
    for party in [&claimed.requester, &claimed.worker, &claimed.provider] {
        assert!(!once.contains(party), "a party to the job is drawn");
    }
    let passed = audit.passes.iter().map(|pass| &pass.auditor);
    let at_work = audit.at_work().map(|at_work| &at_work.auditor);
    let mut auditors = passed.chain(at_work);
    assert!(auditors.all(|auditor| once.contains(auditor)));
}

fn read_stage(stage: pallet_disputes::Stage<AccountId>) -> Stage {
    match stage {
        pallet_disputes::Stage::Waits(draw) => Stage::Waits(draw),
        pallet_disputes::Stage::Open(open) => Stage::Open(AtWork {
            duty: Duty {
                auditor: who(&open.auditor),
                lock: open.lock,
                set: DrawnSet {
                    scope: open.scope,
                    seed: open.seed,
                },
                ordered: open.ordered,
            },
            verdict_by: open.verdict_by_time,
            answered: open.answered,
        }),
        pallet_disputes::Stage::Done => Stage::Done,
    }
}

fn read_pass(pass: &pallet_disputes::Pass<AccountId>) -> Pass {
    Pass {
        duty: Duty {
            auditor: who(&pass.auditor),
            lock: pass.lock,
            set: DrawnSet {
                scope: pass.scope,
                seed: pass.seed,
            },
            ordered: pass.ordered,
        },
        receipt: pass.receipt,
        slashed: pass.slashed,
    }
}

fn read_receipts(id: u64) -> BTreeMap<u32, ReceiptDemand> {
    let demands = ReceiptDemands::<Runtime>::iter_prefix(id);
    let read = demands.map(|(pass, demand)| {
        let read = ReceiptDemand {
            demander: who(&demand.demander),
            index: demand.index,
            deposit: demand.deposit,
            answer_by: demand.answer_by_time,
        };
        (pass, read)
    });
    read.collect()
}

/// Every auditor finds the jobs for which it is at work or answers.
pub(super) fn assert_audits_are_listed(model: &Market) {
    let mut expected = BTreeSet::<(Who, u64)>::new();
    for (id, case) in &model.cases {
        let passed = case.audit.counting().map(|pass| pass.duty.auditor);
        let at_work = match &case.audit.stage {
            Stage::Open(at_work) => Some(at_work.duty.auditor),
            Stage::Waits(_) | Stage::Done => None,
        };
        expected.extend(passed.chain(at_work).map(|who| (who, *id)));
    }
    let listed = AuditsOf::<Runtime>::iter_keys();
    let listed: BTreeSet<_> = listed.map(|(account, id)| (who(&account), id)).collect();
    assert_eq!(listed, expected, "audits by auditor");
}
