//! The model's receipts: who passed a result must be able to open what it says it has looked at.

use super::audits::{DrawnSet, Pass, ReceiptDemand};
use super::market::{must, periods, Market, Refusal, Who, PROGRAMS};
use super::picks::{Damage, Opening};
use super::results::{Fault, Work};
use mizan_protocol::jobs::AuditScope;

/// Items that an auditor looks at, if there are so many.
const DRAWN_ITEMS: u32 = 8;

impl Work {
    /// Length of what a receipt is made of.
    pub(super) fn receipt_bytes(&self, scope: AuditScope) -> u64 {
        let items = match scope {
            AuditScope::Sampled => self.batch.min(DRAWN_ITEMS),
            AuditScope::Full => self.batch,
        };
        PROGRAMS[self.model].item_bytes() * u64::from(items)
    }

    /// Whether a byte of that is one of the trace, and not of an input.
    fn is_of_trace(&self, scope: AuditScope, index: u64) -> bool {
        let inputs: u64 = PROGRAMS[self.model].input_bytes.iter().sum();
        match scope {
            // Item after item.
            AuditScope::Sampled => index % PROGRAMS[self.model].item_bytes() >= inputs,
            AuditScope::Full => index >= inputs * u64::from(self.batch),
        }
    }
}

/// Whether an opening is one, and then whether it shows that the auditor had other bytes than the
/// job has.
fn judge_opening(claim: Work, pass: &Pass, index: u64, shown: Opening) -> Result<bool, Refusal> {
    let set = pass.duty.set;
    let Some((stream, blob)) = shown.works(set, index) else {
        return Err("Disputes(WrongAnswerLength)");
    };
    let other_trace = (blob.fault == Fault::Element) != (claim.fault == Fault::Element);
    let other_blob = other_trace && claim.is_of_trace(set.scope, index);
    let fits = stream.receipt(set) == pass.receipt && !other_blob;
    match shown.damage {
        Damage::Missing => return Err("Disputes(WrongAnswerLength)"),
        Damage::Flipped => return Err("Disputes(WrongHash)"),
        _ if !fits => return Err("Disputes(WrongHash)"),
        Damage::Trailing => return Err("Disputes(WrongAnswerLength)"),
        Damage::None => (),
    }
    // Results differ in the last byte of the trace only.
    let is_last = index + 1 == claim.receipt_bytes(set.scope);
    Ok(is_last && stream.receipt(set) != claim.receipt(set))
}

impl Market {
    pub(super) fn demand_receipt(
        &mut self,
        by: Who,
        id: u64,
        pass: u32,
        index: u64,
    ) -> Result<(), Refusal> {
        let (_, claim) = self.claimed(id)?;
        let case = &self.cases[&id];
        let named = case.audit.passes.get(pass as usize);
        let named = named.filter(|pass| !pass.slashed);
        let DrawnSet { scope, .. } = named.ok_or("Disputes(PassUnknown)")?.duty.set;
        let possible = index < claim.receipt_bytes(scope);
        must(possible, "Disputes(RequestImpossible)")?;
        let open = case.audit.receipts.contains_key(&pass);
        must(!open, "Disputes(ReceiptDemanded)")?;
        let deposit = case.public_price()?;
        let late = self.time >= case.ends;
        self.hold_deposit(by, deposit)?;
        let demand = ReceiptDemand {
            demander: by,
            index,
            deposit,
            answer_by: self.time_after(periods::ANSWER),
        };
        let case = self.case_mut(id);
        case.late += u32::from(late);
        case.audit.receipts.insert(pass, demand);
        self.look_again(id);
        Ok(())
    }

    pub(super) fn open_receipt(
        &mut self,
        by: Who,
        id: u64,
        pass: u32,
        shown: Opening,
    ) -> Result<(), Refusal> {
        let audit = self.cases.get(&id).map(|case| &case.audit);
        let demand = audit.and_then(|audit| audit.receipts.get(&pass)).cloned();
        let demand = demand.ok_or("Disputes(ReceiptDemandUnknown)")?;
        let (_, claim) = self.claimed(id)?;
        let named = self.cases[&id].audit.passes[pass as usize];
        if judge_opening(claim, &named, demand.index, shown)? {
            self.fail_receipt(id, pass);
        } else {
            self.case_mut(id).audit.receipts.remove(&pass);
            self.pay_for_answer(demand.demander, demand.deposit, by);
            self.postpone(id);
        }
        self.look_again(id);
        Ok(())
    }

    /// The receipt was not opened, or showed other bytes than the job has.
    pub(super) fn fail_receipt(&mut self, id: u64, pass: u32) {
        let demand = self.case_mut(id).audit.receipts.remove(&pass);
        let demand = demand.expect("it is demanded");
        self.return_deposit(demand.demander, demand.deposit);
        self.postpone(id);
        self.slash_pass(id, pass);
    }
}
