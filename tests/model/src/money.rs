//! Where money is, and where the protocol says that it ends.

use crate::state::{Conviction, Job, Party, Record, State};

/// The payment of the job; the other amounts keep the protocol's proportions to it.
pub const PAYMENT: i32 = 100;
/// The provider's share of a payment.
pub const WORKER_SHARE: i32 = 85;
/// The auditors' share; burned when none passed the job.
pub const AUDITOR_SHARE: i32 = 5;
/// What settlement mints: half of the share that is always burned.
pub const MINT: i32 = 4;
/// The lock behind the job.
pub const LOCK: i32 = 1_125;
/// What a challenger gets of a convicted lock: a fifth.
pub const CHALLENGER_SHARE: i32 = LOCK / 5;
/// The lock of a drawn auditor.
pub const AUDIT_LOCK: i32 = 750;
/// What silence costs a drawn auditor: a tenth of its lock.
pub const MISS: i32 = AUDIT_LOCK / 10;
/// What a proof that proves nothing costs.
pub const PROOF_DEPOSIT: i32 = 10;
/// The deposit for a demand while no other is open.
pub const DEMAND_DEPOSIT: i32 = 10;

/// Who owns money, or for what the chain holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// Who pays for the job.
    Requester,
    /// Who is paid for it, and for answers.
    Provider,
    /// One that disputes. All auditors are one account.
    Party(Party),
    /// Out of existence.
    Burned,
    /// The payment.
    Payment,
    /// The lock behind the job.
    Lock,
    /// Deposits of open demands.
    Deposits,
    /// Locks of auditors.
    AuditLocks,
}

impl Account {
    const COUNT: usize = 10;

    fn index(self) -> usize {
        match self {
            Self::Requester => 0,
            Self::Provider => 1,
            Self::Party(party) => 2 + party as usize,
            Self::Burned => 5,
            Self::Payment => 6,
            Self::Lock => 7,
            Self::Deposits => 8,
            Self::AuditLocks => 9,
        }
    }
}

/// Differences to the balances before the job was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    balances: [i32; Account::COUNT],
    /// What was minted to the provider.
    pub minted: i32,
}

impl Ledger {
    /// Payment and lock are held.
    pub fn attested() -> Self {
        let mut ledger = Self {
            balances: [0; Account::COUNT],
            minted: 0,
        };
        ledger.transfer(Account::Requester, Account::Payment, PAYMENT);
        ledger.transfer(Account::Provider, Account::Lock, LOCK);
        ledger
    }

    /// The change of an account.
    pub fn of(&self, account: Account) -> i32 {
        self.balances[account.index()]
    }

    /// Moves money. An account that is overdrawn shows in [`Ledger::is_sound`].
    pub fn transfer(&mut self, from: Account, to: Account, amount: i32) {
        self.add(from, -amount);
        self.add(to, amount);
    }

    fn add(&mut self, account: Account, amount: i32) {
        self.balances[account.index()] += amount;
    }

    /// Mints to the provider.
    pub fn mint(&mut self, amount: i32) {
        self.add(Account::Provider, amount);
        self.minted += amount;
    }

    /// Nothing came from nowhere, and nothing was taken that was not held.
    pub fn is_sound(&self) -> bool {
        let held = [
            Account::Payment,
            Account::Lock,
            Account::Deposits,
            Account::AuditLocks,
        ];
        self.balances.iter().sum::<i32>() == self.minted
            && self.minted >= 0
            && self.of(Account::Burned) >= 0
            && held.into_iter().all(|account| self.of(account) >= 0)
    }
}

/// The ledger that the protocol documents for a closed job, from what happened to it and not from
/// how the rules moved money.
pub fn documented(state: &State) -> Ledger {
    let mut ledger = Ledger {
        balances: [0; Account::COUNT],
        minted: 0,
    };
    add_disputes(&mut ledger, &state.record);
    add_receipts(&mut ledger, &state.record);
    add_audits(&mut ledger, state);
    match state.job {
        Job::Attested => {}
        Job::Settled => add_settlement(&mut ledger, state),
        Job::Convicted(conviction) => add_conviction(&mut ledger, conviction),
    }
    ledger
}

/// Half of an answered demand's deposit goes to the answerer, half is burned, and so is the
/// deposit of a proof that proved nothing.
fn add_disputes(ledger: &mut Ledger, record: &Record) {
    let answers: i32 = record.answered.iter().sum();
    ledger.add(Account::Provider, answers / 2);
    ledger.add(Account::Burned, answers - answers / 2);
    for party in [Party::Checker, Party::Adversary, Party::Auditor] {
        let refused = PROOF_DEPOSIT * record.refused[party as usize];
        let answered = record.answered[party as usize];
        ledger.add(Account::Party(party), -answered - refused);
        ledger.add(Account::Burned, refused);
    }
}

/// Half of the deposit for an opened receipt goes to the auditor that opened it.
fn add_receipts(ledger: &mut Ledger, record: &Record) {
    let opened: i32 = record.opened.iter().sum();
    ledger.add(Account::Party(Party::Auditor), opened / 2);
    ledger.add(Account::Burned, opened - opened / 2);
    for party in [Party::Checker, Party::Adversary, Party::Auditor] {
        ledger.add(Account::Party(party), -record.opened[party as usize]);
    }
}

/// Silence burns a tenth of an auditor's lock; a receipt that is not opened burns all of it, and a
/// proof the locks of those that passed the element. Giving up after an answer burns nothing.
fn add_audits(ledger: &mut Ledger, state: &State) {
    let slashed = match state.job {
        Job::Convicted(Conviction::Proof(_)) => {
            state.passes.iter().filter(|pass| pass.hits).count() as i32
        }
        _ => 0,
    };
    let whole = slashed + i32::from(state.record.unopened);
    let burned = MISS * i32::from(state.record.silent) + AUDIT_LOCK * whole;
    ledger.add(Account::Party(Party::Auditor), -burned);
    ledger.add(Account::Burned, burned);
}

/// The payment is split, and a share nobody earned is burned; the lock went back.
fn add_settlement(ledger: &mut Ledger, state: &State) {
    let unaudited = state.passes.is_empty();
    let for_auditors = if unaudited { 0 } else { AUDITOR_SHARE };
    ledger.minted = if state.is_unaudited() { 0 } else { MINT };
    ledger.add(Account::Requester, -PAYMENT);
    ledger.add(Account::Provider, WORKER_SHARE + ledger.minted);
    ledger.add(Account::Party(Party::Auditor), for_auditors);
    ledger.add(Account::Burned, PAYMENT - WORKER_SHARE - for_auditors);
}

/// The requester has its payment back; of the lock a challenger with a proof gets a share.
fn add_conviction(ledger: &mut Ledger, conviction: Conviction) {
    let mut burned = LOCK;
    if let Conviction::Proof(challenger) = conviction {
        ledger.add(Account::Party(challenger), CHALLENGER_SHARE);
        burned -= CHALLENGER_SHARE;
    }
    ledger.add(Account::Provider, -LOCK);
    ledger.add(Account::Burned, burned);
}
