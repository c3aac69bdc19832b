//! What nobody used for long is removed, and what does not fit, oldest first: blobs and advice lists.

use super::{
    locations::{Kind, Listed},
    storage::{Storage, StorageError},
};
use crate::{local::at, name::parse_name, Hash};
use futures::TryStreamExt;
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, SystemTime},
};
use tokio::sync::{Mutex as AsyncMutex, RwLock};

/// What is garbage.
#[derive(Clone, Debug)]
pub struct GarbageRules {
    /// A blob or an advice list that was not used for longer.
    pub max_age: Option<Duration>,
    /// The least recently used blobs and advice lists, while all together are more than this.
    pub max_total_bytes: Option<u64>,
    /// An upload that did not go on for longer.
    pub abandoned_after: Duration,
    /// Never these blobs.
    pub keep: HashSet<Hash>,
}

impl Default for GarbageRules {
    /// Uploads abandoned for a day, and no blob.
    fn default() -> Self {
        Self {
            max_age: None,
            max_total_bytes: None,
            abandoned_after: Duration::from_secs(24 * 60 * 60),
            keep: HashSet::new(),
        }
    }
}

/// What was collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// How many blobs were removed.
    pub blobs: u64,
    /// How many advice lists were removed.
    pub advice_lists: u64,
    /// How many bytes both had.
    pub bytes: u64,
    /// How many uploads were given up.
    pub uploads: u64,
    /// The bytes of what is left.
    pub bytes_left: u64,
}

/// A blob's locks.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    /// Read while the blob is read or uploaded, written while it is removed.
    pub(crate) removal: Arc<RwLock<()>>,
    /// One outboard at a time.
    pub(crate) checking: AsyncMutex<()>,
}

/// The blobs that somebody has locks of.
#[derive(Debug, Default)]
pub(crate) struct InUse(Mutex<HashMap<Hash, Weak<Locks>>>);

impl InUse {
    pub(crate) fn of(&self, hash: Hash) -> Arc<Locks> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(locks) = all.get(&hash).and_then(Weak::upgrade) {
            return locks;
        }
        // Locks are few, as many as requests.
        all.retain(|_, locks| locks.strong_count() > 0);
        let locks = Arc::<Locks>::default();
        all.insert(hash, Arc::downgrade(&locks));
        locks
    }

    /// Keeps a blob from being removed.
    pub(crate) async fn keep(&self, hash: Hash) -> Kept {
        let locks = self.of(hash);
        let guard = locks.removal.clone().read_owned().await;
        Kept(locks, guard)
    }
}

/// A blob is not removed while this lives.
pub(crate) struct Kept(
    #[allow(dead_code, reason = "others find the lock while it lives")] Arc<Locks>,
    #[allow(dead_code, reason = "only its drop matters")] tokio::sync::OwnedRwLockReadGuard<()>,
);

/// Something that may be garbage.
struct Object {
    kind: Kind,
    name: Hash,
    bytes: u64,
    used: SystemTime,
}

impl Storage {
    /// Removes what is garbage by these rules, never what is just read or written through this
    /// storage. Run it where the server runs: other processes do not know what is in use.
    pub async fn collect_garbage(&self, rules: &GarbageRules) -> Result<Collected, StorageError> {
        let mut objects = self.by_last_use().await?;
        objects.sort_by_key(|object| object.used);
        let mut collected = Collected {
            bytes_left: objects.iter().map(|object| object.bytes).sum(),
            ..Collected::default()
        };
        let now = SystemTime::now();
        for object in objects.iter().filter(|object| !is_kept(rules, object)) {
            let old = is_older(rules.max_age, object.used, now);
            let too_much = rules
                .max_total_bytes
                .is_some_and(|limit| collected.bytes_left > limit);
            if (old || too_much) && self.remove_unused(object.kind, object.name).await? {
                let count = match object.kind {
                    Kind::Blob => &mut collected.blobs,
                    Kind::AdviceList => &mut collected.advice_lists,
                };
                *count = count.saturating_add(1);
                collected.bytes = collected.bytes.saturating_add(object.bytes);
                collected.bytes_left = collected.bytes_left.saturating_sub(object.bytes);
            }
        }
        collected.uploads = self.remove_abandoned(rules.abandoned_after, now).await?;
        Ok(collected)
    }

    async fn by_last_use(&self) -> Result<Vec<Object>, StorageError> {
        let mut found: HashMap<(Kind, Hash), (u64, SystemTime)> = HashMap::new();
        let mut notes = HashMap::new();
        let mut objects = self.list();
        while let Some(Listed { kind, name, meta }) = objects.try_next().await? {
            let time = meta.last_modified.into();
            match kind {
                Some(kind) => drop(found.insert((kind, name), (meta.size, time))),
                None => drop(notes.insert(name, time)),
            }
        }
        let with_notes = |((kind, name), (bytes, stored)): (_, (u64, SystemTime))| Object {
            kind,
            name,
            bytes,
            used: notes.get(&name).map_or(stored, |used| stored.max(*used)),
        };
        Ok(found.into_iter().map(with_notes).collect())
    }

    async fn remove_unused(&self, kind: Kind, name: Hash) -> Result<bool, StorageError> {
        let locks = self.in_use.of(name);
        let Ok(_removing) = locks.removal.try_write() else {
            return Ok(false);
        };
        self.remove(kind, name).await?;
        Ok(true)
    }

    async fn remove_abandoned(
        &self,
        after: Duration,
        now: SystemTime,
    ) -> Result<u64, StorageError> {
        let mut removed = 0_u64;
        for path in self.abandoned(after, now)? {
            let name = path.file_name().and_then(|name| name.to_str());
            let hash = name.and_then(staged_hash);
            let locks = hash.map(|hash| self.in_use.of(hash));
            let removing = locks.as_ref().map(|locks| locks.removal.try_write());
            if !matches!(removing, Some(Err(_))) && fs::remove_file(&path).is_ok() {
                removed = removed.saturating_add(1);
            }
        }
        Ok(removed)
    }

    fn abandoned(&self, after: Duration, now: SystemTime) -> Result<Vec<PathBuf>, StorageError> {
        let staging = self.staging();
        let mut abandoned = Vec::new();
        for entry in fs::read_dir(staging).map_err(at(staging))? {
            let entry = entry.map_err(at(staging))?;
            // It may just have become whole.
            let Ok(changed) = entry.metadata().and_then(|file| file.modified()) else {
                continue;
            };
            if is_older(Some(after), changed, now) {
                abandoned.push(entry.path());
            }
        }
        Ok(abandoned)
    }
}

fn is_kept(rules: &GarbageRules, object: &Object) -> bool {
    object.kind == Kind::Blob && rules.keep.contains(&object.name)
}

/// The name of an upload's file: who uploads, and what.
pub(crate) fn staged_name(uploader: &[u8; 32], hash: &Hash) -> String {
    format!("{}-{}", hex::encode(uploader), hex::encode(hash))
}

fn staged_hash(name: &str) -> Option<Hash> {
    parse_name(name.split_once('-')?.1)
}

fn is_older(limit: Option<Duration>, time: SystemTime, now: SystemTime) -> bool {
    // A time to come is not old.
    let age = now.duration_since(time).unwrap_or_default();
    limit.is_some_and(|limit| age > limit)
}
