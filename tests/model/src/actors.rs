//! Who can do what next.

use crate::{
    rules::Rules,
    state::{Audit, Demand, FullChecker, Party, State},
};

/// One step: a transaction in the open block, a draw of the beacon, or the end of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A demand; an auditor's is what its verdict "withheld" begins with.
    Demand(Party),
    /// An answer to this open demand.
    Answer(Demand),
    /// A fraud proof; an auditor's is its verdict "fraud".
    Proof {
        /// Who sends it.
        by: Party,
        /// Whether it proves anything.
        valid: bool,
    },
    /// The verdict "pass".
    Pass {
        /// Whether the auditor did not look.
        blind: bool,
    },
    /// The verdict "withheld" of an auditor that was answered and still lacks data.
    GiveUp,
    /// A demand that the receipt of this pass be opened.
    DemandReceipt {
        /// Who demands.
        by: Party,
        /// Its place among the passes that count.
        pass: usize,
    },
    /// A right opening of the receipt of this pass.
    OpenReceipt(usize),
    /// The beacon draws an auditor.
    Draw {
        /// Whether it is honest.
        honest: bool,
        /// Whether an element of its drawn set is wrong.
        hits: bool,
    },
    /// The beacon says that no further auditor follows a pass.
    NoFurtherAuditor,
    /// The block ends, with or without room for one more maximal proof.
    Seal {
        /// Whether there was room, so that dispute time passes.
        room: bool,
    },
}

impl Rules {
    /// What can happen in a state.
    pub fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.over {
            return;
        }
        if !state.is_open() {
            late_proofs(state, actions);
            actions.push(Action::Seal { room: true });
            return;
        }
        if matches!(state.audit, Audit::Due | Audit::Passed) {
            beacon(state, actions);
            return;
        }
        worker(state, actions);
        checker(state, actions);
        auditor(state, actions);
        receipts(state, actions);
        adversary(state, actions);
        if !state.is_awaited() {
            actions.push(Action::Seal { room: true });
        }
        if state.budget.stuffed > 0 && state.budget.stuffed_in_a_row > 0 {
            actions.push(Action::Seal { room: false });
        }
    }

    /// The state after an action, or nothing if it changes nothing.
    pub fn apply(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        state.step += 1;
        match action {
            Action::Demand(by) => {
                match by {
                    Party::Adversary => state.budget.spam -= 1,
                    Party::Checker => state.checker.wait(),
                    Party::Auditor => state.budget.withheld -= 1,
                }
                self.demand(&mut state, by);
            }
            Action::Answer(demand) => {
                let index = state.demands.iter().position(|open| *open == demand)?;
                self.answer(&mut state, index);
            }
            Action::Proof { by, valid } => {
                if !valid {
                    state.budget.false_proofs -= 1;
                }
                if !self.prove(&mut state, by, valid) {
                    return None;
                }
            }
            Action::Pass { blind } => self.pass(&mut state, blind),
            Action::GiveUp => self.give_up(&mut state),
            Action::DemandReceipt { by, pass } => {
                if by == Party::Adversary {
                    state.budget.receipts -= 1;
                }
                self.demand_receipt(&mut state, pass, by);
            }
            Action::OpenReceipt(pass) => self.open_receipt(&mut state, pass),
            Action::Draw { honest, hits } => self.draw(&mut state, honest, hits),
            Action::NoFurtherAuditor => state.audit = Audit::In,
            Action::Seal { room } => self.seal(&mut state, room),
        }
        Some(state)
    }
}

/// The beacon draws anyone. A further auditor re-checks the set of the one before it.
fn beacon(state: &State, actions: &mut Vec<Action>) {
    if state.audit == Audit::Passed {
        actions.push(Action::NoFurtherAuditor);
    }
    for honest in [true, false] {
        if !state.is_passed_wrongly() {
            actions.push(Action::Draw {
                honest,
                hits: false,
            });
        }
        if state.scene.worker.is_wrong() {
            actions.push(Action::Draw { honest, hits: true });
        }
    }
}

/// Any worker may answer; what it can be made to do is in [`State::is_awaited`].
fn worker(state: &State, actions: &mut Vec<Action>) {
    actions.extend(state.demands.iter().map(|demand| Action::Answer(*demand)));
}

fn checker(state: &State, actions: &mut Vec<Action>) {
    match state.checker {
        FullChecker::Looking { .. } => actions.push(Action::Demand(Party::Checker)),
        FullChecker::Ready { .. } => actions.push(Action::Proof {
            by: Party::Checker,
            valid: true,
        }),
        FullChecker::Quiet | FullChecker::Waiting { .. } => {}
    }
}

/// An honest auditor was served its openings, or says that they are withheld, and it passes only
/// beside passes whose receipts are right or demanded. Another one says what it likes.
fn auditor(state: &State, actions: &mut Vec<Action>) {
    let Some(auditor) = state.auditor().filter(|auditor| !auditor.waits) else {
        return;
    };
    let by = Party::Auditor;
    if state.budget.withheld > 0 {
        actions.push(Action::Demand(by));
    }
    if auditor.answered {
        actions.push(Action::GiveUp);
    }
    let doubtful = state.doubtful_receipts();
    if auditor.honest && auditor.hits {
        actions.push(Action::Proof { by, valid: true });
    } else if auditor.honest && !doubtful.is_empty() {
        let demand = |pass| Action::DemandReceipt { by, pass };
        actions.extend(doubtful.into_iter().map(demand));
    } else {
        actions.push(Action::Pass { blind: false });
    }
    if !auditor.honest && state.scene.receipts {
        actions.push(Action::Pass { blind: true });
    }
    if !auditor.honest && state.budget.false_proofs > 0 {
        actions.push(Action::Proof { by, valid: false });
    }
}

/// Who passed opens its receipt if it can and likes to; what the honest can be made to do is in
/// [`State::is_awaited`]. A full checker demands receipts that are wrong, the adversary any.
fn receipts(state: &State, actions: &mut Vec<Action>) {
    for (index, pass) in state.passes.iter().enumerate() {
        if pass.demand.is_some() && !pass.blind {
            actions.push(Action::OpenReceipt(index));
        }
        if pass.demand.is_none() && state.budget.receipts > 0 {
            let by = Party::Adversary;
            actions.push(Action::DemandReceipt { by, pass: index });
        }
    }
    if state.scene.checker_live {
        let by = Party::Checker;
        let demand = |pass| Action::DemandReceipt { by, pass };
        actions.extend(state.doubtful_receipts().into_iter().map(demand));
    }
}

/// The worker's friends know its lie: they can copy the checker's proof, and forestall it.
fn adversary(state: &State, actions: &mut Vec<Action>) {
    let by = Party::Adversary;
    if state.budget.spam > 0 {
        actions.push(Action::Demand(by));
    }
    if state.budget.false_proofs > 0 {
        actions.push(Action::Proof { by, valid: false });
    }
    if state.scene.worker.is_wrong() {
        actions.push(Action::Proof { by, valid: true });
    }
}

/// Proofs that come after the job was closed: the checker's own, which was overtaken, and that of
/// anyone who comes too late.
fn late_proofs(state: &State, actions: &mut Vec<Action>) {
    if matches!(state.checker, FullChecker::Ready { .. }) {
        actions.push(Action::Proof {
            by: Party::Checker,
            valid: true,
        });
    }
    if state.scene.worker.is_wrong() && state.record.closings < 2 {
        actions.push(Action::Proof {
            by: Party::Adversary,
            valid: true,
        });
    }
}

impl State {
    /// Passes whose receipt can't be opened, and nobody demanded it.
    fn doubtful_receipts(&self) -> Vec<usize> {
        let doubtful = |index: &usize| {
            let pass = self.passes[*index];
            pass.blind && pass.demand.is_none()
        };
        (0..self.passes.len()).filter(doubtful).collect()
    }
}

impl FullChecker {
    fn wait(&mut self) {
        if let Self::Looking { rounds, .. } = *self {
            *self = Self::Waiting { rounds };
        }
    }
}
