//! What the chain's histories say, in the model's words.

use super::market::Who;
use super::reading::who;
use crate::AccountId;
use mizan_protocol::explain::{History, Rule};

pub(super) fn read_history(history: History<AccountId>) -> Vec<(u32, Rule<Who>)> {
    let notes = history.into_iter();
    notes
        .map(|note| (note.block, read_rule(note.rule)))
        .collect()
}

fn read_rule(rule: Rule<AccountId>) -> Rule<Who> {
    match rule {
        Rule::Posted { held, deposit } => Rule::Posted { held, deposit },
        Rule::Assigned {
            worker,
            provider,
            payment,
            lock,
            attest_by_block,
        } => Rule::Assigned {
            worker: who(&worker),
            provider: who(&provider),
            payment,
            lock,
            attest_by_block,
        },
        Rule::Declined {
            worker,
            provider,
            reason,
            paused_until_block,
        } => Rule::Declined {
            worker: who(&worker),
            provider: who(&provider),
            reason,
            paused_until_block,
        },
        Rule::TimedOut {
            worker,
            provider,
            burned,
            paused_until_block,
        } => Rule::TimedOut {
            worker: who(&worker),
            provider: who(&provider),
            burned,
            paused_until_block,
        },
        later => read_later_rule(later),
    }
}

/// What can happen once a worker has it.
fn read_later_rule(rule: Rule<AccountId>) -> Rule<Who> {
    match rule {
        Rule::Attested {
            worker,
            provider,
            returned,
            settles_block,
        } => Rule::Attested {
            worker: who(&worker),
            provider: who(&provider),
            returned,
            settles_block,
        },
        Rule::Settled {
            provider,
            payment,
            worker_paid,
            auditors_paid,
            burned,
            minted,
            audit,
        } => Rule::Settled {
            provider: who(&provider),
            payment,
            worker_paid,
            auditors_paid,
            burned,
            minted,
            audit,
        },
        later => read_end(later),
    }
}

/// How it ends without a payment, or is taken back.
fn read_end(rule: Rule<AccountId>) -> Rule<Who> {
    match rule {
        Rule::Ended {
            reason,
            refunded,
            burned,
        } => Rule::Ended {
            reason,
            refunded,
            burned,
        },
        Rule::Recalled { worker, provider } => Rule::Recalled {
            worker: who(&worker),
            provider: who(&provider),
        },
        Rule::Convicted {
            provider,
            grounds,
            challenger,
            rewarded,
            burned,
            refunded,
        } => Rule::Convicted {
            provider: who(&provider),
            grounds,
            challenger: challenger.as_ref().map(who),
            rewarded,
            burned,
            refunded,
        },
        Rule::Refused { provider, burned } => Rule::Refused {
            provider: who(&provider),
            burned,
        },
        of_audit => read_rule_of_audit(of_audit),
    }
}

fn read_rule_of_audit(rule: Rule<AccountId>) -> Rule<Who> {
    match rule {
        Rule::AuditorDrawn {
            auditor,
            scope,
            lock,
            verdict_by_time,
        } => Rule::AuditorDrawn {
            auditor: who(&auditor),
            scope,
            lock,
            verdict_by_time,
        },
        Rule::AuditPassed { auditor } => Rule::AuditPassed {
            auditor: who(&auditor),
        },
        Rule::AuditMissed {
            auditor,
            withheld,
            burned,
        } => Rule::AuditMissed {
            auditor: auditor.as_ref().map(who),
            withheld,
            burned,
        },
        Rule::AuditorSlashed { auditor, burned } => Rule::AuditorSlashed {
            auditor: who(&auditor),
            burned,
        },
        Rule::AuditOrdered { scope, price } => Rule::AuditOrdered { scope, price },
        earlier => panic!("that is read before: {earlier:?}"),
    }
}
