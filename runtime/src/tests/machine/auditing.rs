//! What actors send as auditors and about audits: what is right, and what is not.

use super::acts::amount;
use super::audit_acts::{AuditAct, Word};
use super::market::{Market, State, Who};
use super::money::MIN_AUDITOR_BOND;
use super::picks::{Damage, Opening, Pick, Source};
use super::results::{Fault, Work};
use super::sending::Act;
use mizan_protocol::{
    jobs::{AuditScope, BlobRef, Request},
    UNIT,
};
use proptest::{prelude::*, sample::select};

const SCOPES: [AuditScope; 2] = [AuditScope::Sampled, AuditScope::Full];

/// Whether a verdict of the actor is waited for.
pub(super) fn is_at_work(market: &Market, who: Who) -> bool {
    let mut cases = market.cases.values();
    cases.any(|case| case.audit.at_work(who).is_some())
}

/// What an actor may send about audits, with its weight, if there is anything.
pub(super) fn auditing(market: &Market, who: Who) -> Vec<(u32, BoxedStrategy<Act>)> {
    let claimed = |(place, id): (usize, &u64)| (Pick::Claimed(place), *id);
    let jobs = market.jobs.iter().filter(|(_, job)| job.claim().is_some());
    let jobs: Vec<_> = jobs.map(|(id, _)| id).enumerate().map(claimed).collect();
    let of_jobs = |acts: fn(&Market, Who, Pick, u64) -> Vec<AuditAct>| {
        let acts = jobs
            .iter()
            .flat_map(|(job, id)| acts(market, who, *job, *id));
        acts.map(Act::Audit).collect::<Vec<_>>()
    };
    let data = jobs.iter().filter(|(_, id)| {
        let audit = &market.cases[id].audit;
        audit.at_work(who).is_some()
    });
    let data = data.flat_map(|(job, _)| wanted(*job)).collect();
    let choices = [
        (60, of_jobs(verdicts)),
        (24, data),
        (20, of_jobs(orders)),
        (8, of_jobs(receipt_demands)),
        (20, of_jobs(openings)),
        (4, bonding(market, who)),
    ];
    let some = choices.into_iter().filter(|(_, acts)| !acts.is_empty());
    some.map(|(weight, acts)| (weight, select(acts).boxed()))
        .collect()
}

/// What the auditor at work on that job may say.
fn verdicts(market: &Market, who: Who, job: Pick, id: u64) -> Vec<AuditAct> {
    let case = &market.cases[&id];
    let Some(at_work) = case.audit.at_work(who) else {
        return Vec::new();
    };
    if case.auditor_waits() {
        return vec![AuditAct::Say(job, Word::PassBlindly)];
    }
    let answered = at_work.answered > 0;
    let right = Word::Pass(Source::Claimed);
    let other = |fault| Word::Pass(Source::Faulty(fault));
    let words = [
        vec![right; 8],
        vec![other(Fault::None), other(Fault::Element)],
        vec![Word::PassBlindly; 2],
        vec![Word::Withheld; if answered { 12 } else { 1 }],
    ];
    let words = words.concat().into_iter();
    words.map(|word| AuditAct::Say(job, word)).collect()
}

/// Data that an auditor at work may lack.
fn wanted(job: Pick) -> Vec<Act> {
    let (operation, index, blob) = (0, 0, BlobRef::Trace);
    let (first, count) = (0, 1);
    let requests = [
        Request::Element { operation, index },
        Request::Chunks { blob, first, count },
    ];
    requests.map(|request| Act::Demand(job, request)).to_vec()
}

/// Orders of the requester, while none is made; and rarely another, or somebody else's.
fn orders(market: &Market, who: Who, job: Pick, id: u64) -> Vec<AuditAct> {
    let own = market.jobs[&id].requester == who;
    let first = market.cases[&id].audit.order.is_none();
    let often = if own && first { 6 } else { 1 };
    // Whoever audits all of a job answers for all that is wrong in it.
    let scopes = [AuditScope::Sampled, AuditScope::Full, AuditScope::Full];
    let orders = scopes.map(|scope| AuditAct::Order(job, scope));
    vec![orders; often].concat()
}

/// Demands for receipts of every pass, and of one that there is not.
fn receipt_demands(market: &Market, _: Who, job: Pick, id: u64) -> Vec<AuditAct> {
    let (passes, work) = (&market.cases[&id].audit.passes, claim(market, id));
    let mut demands = Vec::new();
    for (pass, named) in (0..).zip(passes) {
        let length = work.receipt_bytes(named.duty.set.scope);
        let indices = [0, length / 2, length - 1, length - 1, length - 1, length];
        demands.extend(indices.map(|index| AuditAct::DemandReceipt { job, pass, index }));
    }
    if let Some(pass) = passes.len().checked_sub(1) {
        let (pass, index) = (pass as u32 + 1, 0);
        demands.push(AuditAct::DemandReceipt { job, pass, index });
    }
    demands
}

fn claim(market: &Market, id: u64) -> Work {
    market.jobs[&id].claim().expect("it is claimed")
}

/// Openings of receipts that are demanded: with the bytes of the job, with those that the auditor
/// may have had instead, and damaged.
fn openings(market: &Market, _: Who, job: Pick, id: u64) -> Vec<AuditAct> {
    let audit = &market.cases[&id].audit;
    let mut openings = Vec::new();
    for pass in audit.receipts.keys() {
        let open = |stream, blob, damage| AuditAct::OpenReceipt {
            job,
            pass: *pass,
            shown: Opening {
                stream,
                blob,
                damage,
                of: None,
            },
        };
        let (right, none) = (Source::Claimed, Damage::None);
        openings.extend(vec![open(right, right, none); 4]);
        for other in [Fault::None, Fault::Element].map(Source::Faulty) {
            openings.extend(vec![open(other, right, none); 4]);
            openings.push(open(right, other, none));
        }
        let damaged = [Damage::Missing, Damage::Trailing, Damage::Flipped];
        openings.extend(damaged.map(|damage| open(right, right, damage)));
    }
    openings
}

/// What makes the actor an auditor, changes its bond and lets it leave.
fn bonding(market: &Market, who: Who) -> Vec<Act> {
    let Some(place) = market.auditor(who) else {
        let bonds = [MIN_AUDITOR_BOND, 30 * UNIT, 60 * UNIT, 90 * UNIT];
        let affordable = bonds
            .into_iter()
            .filter(|bond| *bond <= market.spendable(who));
        return affordable
            .map(|bond| Act::Audit(AuditAct::Register(bond)))
            .collect();
    };
    let auditor = &market.auditors[place];
    let free = auditor.free_bond();
    let above_least = auditor.bond.saturating_sub(MIN_AUDITOR_BOND);
    let unbonded = [free, free + 1, above_least, above_least + 1, UNIT];
    let mut acts = unbonded.map(AuditAct::Unbond).to_vec();
    acts.extend([20 * UNIT, UNIT, UNIT, 1].map(AuditAct::Bond));
    acts.extend(vec![AuditAct::Exit; if auditor.locks > 0 { 4 } else { 1 }]);
    acts.into_iter().map(Act::Audit).collect()
}

/// Anything about any job, bond and pass, by whomever.
pub(super) fn wild_audits(market: &Market, who: Who) -> impl Strategy<Value = Act> {
    let job = (0..=market.next_job).prop_map(Pick::Id);
    let waited_for = market
        .jobs
        .values()
        .any(|job| matches!(job.state, State::Attested { .. }));
    let shown = Opening {
        stream: Source::Claimed,
        blob: Source::Claimed,
        damage: Damage::None,
        of: None,
    };
    let word = select(vec![
        Word::Pass(Source::Claimed),
        Word::PassBlindly,
        Word::Withheld,
    ]);
    let amount = prop_oneof![Just(MIN_AUDITOR_BOND - 1), amount(market, who)];
    let of_bond = prop_oneof![
        amount.clone().prop_map(AuditAct::Register),
        amount.clone().prop_map(AuditAct::Bond),
        amount.prop_map(AuditAct::Unbond),
        Just(AuditAct::Exit),
    ];
    let of_job = prop_oneof![
        (job.clone(), word).prop_map(|(job, word)| AuditAct::Say(job, word)),
        (job.clone(), select(SCOPES.to_vec())).prop_map(|(job, scope)| AuditAct::Order(job, scope)),
        (job.clone(), 0..3u32).prop_map(|(job, pass)| AuditAct::DemandReceipt {
            job,
            pass,
            index: 0,
        }),
        (job, 0..3u32).prop_map(move |(job, pass)| AuditAct::OpenReceipt { job, pass, shown }),
    ];
    let often = if waited_for { 2 } else { 1 };
    prop_oneof![1 => of_bond, often => of_job].prop_map(Act::Audit)
}
