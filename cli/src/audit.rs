//! Audits, in words.

use mizan_client::audits::{AuditScope, AuditStage, AuditView, DrawReason, DrawView};
use mizan_client::keys::format_address;
use mizan_client::units::format_amount;
use mizan_client::views::{AuditOutcome, Settlement};

/// What of a job an auditor checks.
pub(crate) fn how_much(scope: AuditScope) -> &'static str {
    match scope {
        AuditScope::Sampled => "a sample",
        AuditScope::Full => "all",
    }
}

/// One sentence about what is next in the audits of a job.
pub(crate) fn sentence(job: u64, audit: &AuditView) -> String {
    match &audit.stage {
        AuditStage::Waits(draw) => waits(job, draw),
        AuditStage::Open(open) => {
            let ordered = if open.ordered {
                ", as its requester ordered"
            } else {
                ""
            };
            let demands = match open.open_demands {
                0 => String::new(),
                1 => "; it demands data, and 1 answer is missing".to_owned(),
                n => format!("; it demands data, and {n} answers are missing"),
            };
            format!(
                "job {job} is audited by {}, who checks {} of it{ordered}{demands}",
                format_address(&open.auditor),
                how_much(open.scope),
            )
        }
        AuditStage::Done => over(job, audit),
    }
}

fn waits(job: u64, draw: &DrawView) -> String {
    let block = format!("the first block from slot {} on", draw.slot);
    match draw.reason {
        DrawReason::Claimed => format!("{block} decides whether job {job} is audited"),
        DrawReason::Passed => {
            format!("job {job} passed an audit, and {block} decides whether a further one follows")
        }
        DrawReason::Certain => format!("{block} draws an auditor for job {job}"),
    }
}

fn over(job: u64, audit: &AuditView) -> String {
    match audit.passes.iter().filter(|pass| !pass.slashed).count() {
        0 if audit.misses > 0 => {
            format!("no auditor of job {job} gave a verdict that counts, and no further is drawn")
        }
        0 => format!("no audit of job {job} was drawn"),
        1 => format!("job {job} passed its audit"),
        n => format!("job {job} passed {n} audits"),
    }
}

/// Whether a settled job was audited, as the end of a sentence about it.
pub(crate) fn outcome(settlement: &Settlement) -> String {
    match settlement.audit {
        AuditOutcome::NotDrawn => "no audit was drawn".to_owned(),
        AuditOutcome::Passed => format!(
            "auditors found nothing wrong and got {}",
            format_amount(settlement.auditors_paid)
        ),
        AuditOutcome::Unaudited => {
            "an audit was drawn and a verdict is missing, so nothing was minted".to_owned()
        }
    }
}

/// The same in a word or two.
pub(crate) fn outcome_name(outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::NotDrawn => "not drawn",
        AuditOutcome::Passed => "passed",
        AuditOutcome::Unaudited => "unaudited",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::audits::{OpenAuditView, PassView};
    use mizan_client::AccountId;

    fn audit(stage: AuditStage) -> AuditView {
        AuditView {
            stage,
            passes: vec![],
            drawn: vec![],
            misses: 0,
            order: None,
        }
    }

    fn pass(slashed: bool) -> PassView {
        PassView {
            auditor: AccountId([8; 32]),
            lock: 1,
            seed: [1; 32],
            scope: AuditScope::Sampled,
            ordered: false,
            receipt: [2; 32],
            slashed,
        }
    }

    #[test]
    fn a_draw_to_come_is_said_with_its_slot_and_whether_it_is_certain() {
        let said = |reason| {
            let draw = DrawView {
                slot: 16,
                reason,
                scope: AuditScope::Sampled,
                ordered: false,
            };
            sentence(7, &audit(AuditStage::Waits(draw)))
        };
        assert_eq!(
            said(DrawReason::Claimed),
            "the first block from slot 16 on decides whether job 7 is audited"
        );
        assert_eq!(
            said(DrawReason::Passed),
            "job 7 passed an audit, and the first block from slot 16 on decides whether a further \
             one follows"
        );
        assert_eq!(
            said(DrawReason::Certain),
            "the first block from slot 16 on draws an auditor for job 7"
        );
    }

    #[test]
    fn an_auditor_at_work_is_named_with_what_it_checks_and_waits_for() {
        let open = OpenAuditView {
            auditor: AccountId([8; 32]),
            lock: 1,
            seed: [1; 32],
            scope: AuditScope::Sampled,
            ordered: false,
            verdict_by_time: 30,
            open_demands: 0,
            answered: 0,
        };
        let auditor = format_address(&AccountId([8; 32]));
        assert_eq!(
            sentence(7, &audit(AuditStage::Open(open))),
            format!("job 7 is audited by {auditor}, who checks a sample of it")
        );
        let waiting = OpenAuditView {
            scope: AuditScope::Full,
            ordered: true,
            open_demands: 2,
            ..open
        };
        assert_eq!(
            sentence(7, &audit(AuditStage::Open(waiting))),
            format!(
                "job 7 is audited by {auditor}, who checks all of it, as its requester ordered; it \
                 demands data, and 2 answers are missing"
            )
        );
    }

    #[test]
    fn audits_that_are_over_are_said_with_the_verdicts_that_count() {
        let mut over = audit(AuditStage::Done);
        assert_eq!(sentence(7, &over), "no audit of job 7 was drawn");
        over.misses = 3;
        over.passes = vec![pass(true)];
        assert!(sentence(7, &over).starts_with("no auditor of job 7 gave a verdict"));
        over.passes.push(pass(false));
        assert_eq!(sentence(7, &over), "job 7 passed its audit");
        over.passes.push(pass(false));
        assert_eq!(sentence(7, &over), "job 7 passed 2 audits");
    }
}
