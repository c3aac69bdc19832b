//! Where the machine gets to with audits.

use super::audit_acts::AuditAct;
use super::audits::{Audit, Stage};
use super::market::{Job, Market, State, Who};
use super::sending::Act;
use mizan_protocol::{
    explain::Rule,
    jobs::{Accusation, AuditOutcome, AuditScope, Grounds},
};
use pallet_disputes::DrawReason;

/// Refusals that the machine must run into, and ways that audits must go.
pub(super) const AUDIT_ROADS: [&str; 45] = [
    "Disputes(AlreadyAuditor)",
    "Disputes(AlreadyOrdered)",
    "Disputes(AuditorBondLocked)",
    "Disputes(AuditorBondTooSmall)",
    "Disputes(AuditorLocksRemain)",
    "Disputes(AuditorUnknown)",
    "Disputes(DemandsOpen)",
    "Disputes(NotYourAudit)",
    "Disputes(NotYourJob)",
    "Disputes(NothingAnswered)",
    "Disputes(OrderTooLate)",
    "Disputes(PassUnknown)",
    "Disputes(ReceiptDemandUnknown)",
    "Disputes(ReceiptDemanded)",
    "audit: a draw whose slot stayed empty",
    "audit: a draw with nobody to draw",
    "audit: a further auditor after a pass",
    "audit: a job ends before a draw",
    "audit: a job ends while an auditor is at work",
    "audit: a pass of an ordered audit",
    "audit: a receipt is opened",
    "audit: a slash while another auditor is at work",
    "audit: a slash while another draw is due",
    "audit: a slash while nothing is due",
    "audit: a verdict in the last block",
    "audit: an answer to an auditor",
    "audit: an auditor is drawn",
    "audit: an auditor is drawn for all of a job",
    "audit: an auditor is drawn late",
    "audit: an auditor is drawn late, for a slot that stayed empty",
    "audit: an auditor misses its verdict",
    "audit: an auditor says that data was withheld",
    "audit: an order is begun at once",
    "audit: an order is paid",
    "audit: an order is returned",
    "audit: certain after a conviction, anew",
    "audit: certain after a conviction, while a draw is due",
    "audit: the auditor at work is rewarded",
    "audit: the auditor at work is rewarded for the set before its own",
    "audit: settled NotDrawn",
    "audit: settled Passed",
    "audit: settled Passed by two",
    "audit: settled Unaudited",
    "audit: slashed by a conviction",
    "audit: slashed by a conviction for the set before its own",
];

/// What a step brought about in audits.
pub(super) fn audit_ways(before: &Market, market: &Market, sent: Option<&Act>) -> Vec<String> {
    let mut ways = Vec::new();
    for (id, job) in &market.jobs {
        let (Some(old), Some(case)) = (before.jobs.get(id), before.cases.get(id)) else {
            continue;
        };
        ways.extend(ways_of_draw(market, job, old, &case.audit));
        let notes = job.history.iter().skip(old.history.len());
        for (_, rule) in notes {
            ways.extend(ways_of_note(rule, &case.audit));
        }
        match market.cases.get(id) {
            Some(now) => ways.extend(changes(&case.audit, &now.audit)),
            None => ways.extend(ends(before, *id, job, &case.audit)),
        }
        let answered = |audit: &Audit| match &audit.stage {
            Stage::Open(at_work) => at_work.answered,
            _ => 0,
        };
        let now = market.cases.get(id).map_or(0, |case| answered(&case.audit));
        ways.extend((now > answered(&case.audit)).then_some("an answer to an auditor"));
        let Stage::Open(at_work) = &case.audit.stage else {
            continue;
        };
        let passed = matches!(job.history.last(), Some((_, Rule::AuditPassed { .. })));
        let last = at_work.verdict_by <= before.time + 1 && sent.is_some();
        ways.extend(
            (passed && last && old.history != job.history).then_some("a verdict in the last block"),
        );
    }
    if let Some(Act::Audit(AuditAct::OpenReceipt { job, pass, .. })) = sent {
        let demanded = |market: &Market| {
            let case = market.cases.get(&job.id());
            case.is_some_and(|case| {
                case.audit.receipts.contains_key(pass) && !case.audit.passes[*pass as usize].slashed
            })
        };
        let counts = market.cases.get(&job.id()).is_some_and(|case| {
            let pass = case.audit.passes.get(*pass as usize);
            pass.is_some_and(|pass| !pass.slashed)
        });
        let opened = demanded(before) && !demanded(market) && counts;
        ways.extend(opened.then_some("a receipt is opened"));
    }
    ways.into_iter()
        .map(|way| format!("audit: {way}"))
        .collect()
}

/// Whether the draw that was due came after the first block that could make it, and whether that
/// one had a later slot.
fn ways_of_draw(market: &Market, job: &Job, old: &Job, audit: &Audit) -> Vec<&'static str> {
    let (Stage::Waits(draw), None) = (&audit.stage, audit.order) else {
        // Of two draws in one step the other could be meant.
        return Vec::new();
    };
    let Some((block, Rule::AuditorDrawn { .. })) = job.history.get(old.history.len()) else {
        return Vec::new();
    };
    let decided = market.first_since(draw.slot).expect("it was drawn");
    let (late, empty) = (*block > decided + 1, market.slots[&decided] > draw.slot);
    let ways = [
        (empty, "a draw whose slot stayed empty"),
        (late, "an auditor is drawn late"),
        (
            late && empty,
            "an auditor is drawn late, for a slot that stayed empty",
        ),
    ];
    let came = ways.into_iter().filter(|(came, _)| *came);
    came.map(|(_, way)| way).collect()
}

fn ways_of_note(rule: &Rule<Who>, before: &Audit) -> Vec<&'static str> {
    match rule {
        Rule::AuditorDrawn { scope, .. } => {
            let after_pass = matches!(
                &before.stage,
                Stage::Waits(draw) if draw.reason == DrawReason::Passed
            );
            let full = *scope == AuditScope::Full;
            let ways = [
                (true, "an auditor is drawn"),
                (after_pass, "a further auditor after a pass"),
                (full, "an auditor is drawn for all of a job"),
            ];
            let came = ways.into_iter().filter(|(came, _)| *came);
            came.map(|(_, way)| way).collect()
        }
        Rule::AuditMissed { auditor: None, .. } => vec!["a draw with nobody to draw"],
        Rule::AuditMissed { withheld: true, .. } => {
            vec!["an auditor says that data was withheld"]
        }
        Rule::AuditMissed { .. } => vec!["an auditor misses its verdict"],
        _ => Vec::new(),
    }
}

/// What is otherwise with a result that can still be challenged.
fn changes(old: &Audit, new: &Audit) -> Vec<&'static str> {
    let mut ways = Vec::new();
    let slashed = |audit: &Audit| audit.passes.iter().filter(|pass| pass.slashed).count();
    if slashed(new) > slashed(old) {
        ways.push(match old.stage {
            Stage::Open(_) => "a slash while another auditor is at work",
            Stage::Waits(_) => "a slash while another draw is due",
            Stage::Done => "a slash while nothing is due",
        });
    }
    let more = new.passes.iter().skip(old.passes.len());
    if more.into_iter().any(|pass| pass.duty.ordered) {
        ways.push("a pass of an ordered audit");
    }
    if old.order.is_none() && new.order.is_some_and(|order| order.begun) {
        ways.push("an order is begun at once");
    }
    let unchanged = (&old.passes, old.misses, &old.order) == (&new.passes, new.misses, &new.order);
    if let (Stage::Waits(draw), true) = (&new.stage, unchanged) {
        if draw.reason == DrawReason::Certain {
            match &old.stage {
                Stage::Done => ways.push("certain after a conviction, anew"),
                Stage::Waits(old) if old.reason != draw.reason && old.slot == draw.slot => {
                    ways.push("certain after a conviction, while a draw is due");
                }
                Stage::Waits(_) | Stage::Open(_) => (),
            }
        }
    }
    ways
}

/// How the audits of a job ended that was in challenge before.
fn ends(before: &Market, id: u64, job: &Job, audit: &Audit) -> Vec<&'static str> {
    let mut ways = Vec::new();
    match &audit.stage {
        Stage::Waits(_) => ways.push("a job ends before a draw"),
        Stage::Open(_) => ways.push("a job ends while an auditor is at work"),
        Stage::Done => (),
    }
    let earned = audit.counting().any(|pass| pass.duty.ordered);
    match (&job.state, audit.order) {
        (State::Settled { .. }, Some(_)) if earned => ways.push("an order is paid"),
        (_, Some(_)) => ways.push("an order is returned"),
        _ => (),
    }
    match &job.state {
        State::Settled { audit: outcome, .. } => ways.push(match outcome {
            AuditOutcome::NotDrawn => "settled NotDrawn",
            AuditOutcome::Passed if audit.counting().count() > 1 => "settled Passed by two",
            AuditOutcome::Passed => "settled Passed",
            AuditOutcome::Unaudited => "settled Unaudited",
        }),
        State::Convicted {
            grounds: Grounds::Wrong(accusation),
            ..
        } => ways.extend(convicted(before, id, *accusation)),
        _ => (),
    }
    ways
}

/// Who was rewarded, and who lost its lock.
fn convicted(before: &Market, id: u64, accusation: Accusation) -> Vec<&'static str> {
    let (audit, work) = (&before.cases[&id].audit, before.claimed(id));
    let (_, work) = work.expect("it was claimed");
    let mut ways = Vec::new();
    if let Stage::Open(at_work) = &audit.stage {
        let own = work.is_drawn(at_work.duty.set, accusation);
        match before.auditor_of(id, work, accusation) {
            Some(_) if own => ways.push("the auditor at work is rewarded"),
            Some(_) => ways.push("the auditor at work is rewarded for the set before its own"),
            None => (),
        }
    }
    for (at, pass) in audit.passes.iter().enumerate() {
        let own = work.is_drawn(pass.duty.set, accusation);
        match audit.answers_for(at, work, accusation) {
            true if own => ways.push("slashed by a conviction"),
            true => ways.push("slashed by a conviction for the set before its own"),
            false => (),
        }
    }
    ways
}
