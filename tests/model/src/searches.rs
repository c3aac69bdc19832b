//! The searches: beginnings and bounds.

use crate::{
    rules::Rules,
    state::{Bounds, Scene, Worker, QUARTER, STUFFED_IN_A_ROW},
    Protocol,
};

const RIGHT: [Worker; 2] = [Worker::Honest, Worker::Vanishing];

impl Protocol {
    /// A job that is not drawn for an audit, with every kind of worker: the full checker against
    /// an adversary with two demands and four blocks without room.
    pub fn unaudited(rules: Rules) -> Self {
        let mut scenes = RIGHT.map(|worker| scene(worker, false)).to_vec();
        scenes.extend(lies(
            false,
            &[(true, true), (true, false), (false, true), (false, false)],
        ));
        Self {
            rules,
            scenes,
            bounds: bounds(2, 0, 4),
        }
    }

    /// An audited job with a right result: auditors against the worker, with an adversary's demand
    /// and an auditor's.
    pub fn audited_right(rules: Rules) -> Self {
        let scenes = RIGHT.map(|worker| scene(worker, true)).to_vec();
        Self {
            rules,
            scenes,
            bounds: bounds(1, 1, 2),
        }
    }

    /// An audited job with a wrong result, which a full checker can prove at once or nobody looks
    /// at but the auditors.
    pub fn audited_public_lie(rules: Rules) -> Self {
        let scenes = lies(true, &[(true, true), (false, true)]);
        Self {
            rules,
            scenes,
            bounds: bounds(1, 0, 3),
        }
    }

    /// An audited job with a wrong result and a trace that must be forced, by the full checker or
    /// by an auditor.
    pub fn audited_hidden_lie(rules: Rules) -> Self {
        let scenes = lies(true, &[(true, false), (false, false)]);
        Self {
            rules,
            scenes,
            bounds: bounds(0, 1, 1),
        }
    }

    /// An audited job with a right result: auditors that look and auditors that do not, whose
    /// receipts are demanded by further auditors, by a full checker and by an adversary.
    pub fn receipts_right(rules: Rules) -> Self {
        let looked_at = |checker_live| Scene {
            checker_live,
            receipts: true,
            ..scene(Worker::Honest, true)
        };
        Self {
            rules,
            scenes: [true, false].map(looked_at).to_vec(),
            bounds: receipt_bounds(2),
        }
    }

    /// The same with a wrong result in public.
    pub fn receipts_lie(rules: Rules) -> Self {
        let mut scenes = lies(true, &[(true, true), (false, true)]);
        for scene in &mut scenes {
            scene.receipts = true;
        }
        Self {
            rules,
            scenes,
            bounds: receipt_bounds(2),
        }
    }
}

fn scene(worker: Worker, audited: bool) -> Scene {
    let (checker_live, trace_public) = (false, true);
    Scene {
        worker,
        checker_live,
        trace_public,
        audited,
        receipts: false,
        reaction: QUARTER,
    }
}

/// Wrong results: whether the full checker is live, and whether the trace is public.
fn lies(audited: bool, cases: &[(bool, bool)]) -> Vec<Scene> {
    let lie = |&(checker_live, trace_public): &(bool, bool)| Scene {
        checker_live,
        trace_public,
        ..scene(Worker::Lying, audited)
    };
    cases.iter().map(lie).collect()
}

fn bounds(spam: u8, withheld: u8, stuffed: u8) -> Bounds {
    Bounds {
        stuffed,
        stuffed_in_a_row: STUFFED_IN_A_ROW,
        spam,
        withheld,
        false_proofs: 1,
        receipts: 0,
    }
}

/// Proofs that prove nothing, and verdicts "withheld", are in the other searches.
fn receipt_bounds(stuffed: u8) -> Bounds {
    Bounds {
        false_proofs: 0,
        receipts: 2,
        ..bounds(0, 0, stuffed)
    }
}
