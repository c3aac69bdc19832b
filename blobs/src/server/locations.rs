//! Where a storage has what, by its name.

use crate::{
    name::{parse_name, path_parts},
    Hash,
};
use object_store::{path::Path as Location, ObjectMeta};

/// Folder of the outboards, by the same names as the blobs.
pub(crate) const OUTBOARDS: &str = "outboards";
/// Folder of empty objects that say when something was last used, where its own time can't.
pub(crate) const USED: &str = "used";
/// Folder of uploads that are not whole.
pub(crate) const UPLOADS: &str = "uploads";
/// Folder of advice lists, by names that follow from their jobs.
const ADVICE: &str = "advice";

/// What is stored under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A blob, under its hash.
    Blob,
    /// An advice list, under a name that follows from its job.
    AdviceList,
}

impl Kind {
    /// Where things of this kind are.
    pub(crate) fn folder(self) -> Option<&'static str> {
        match self {
            Self::Blob => None,
            Self::AdviceList => Some(ADVICE),
        }
    }
}

/// Something that a storage has.
pub(crate) struct Listed {
    /// What it is; `None` for a note of the last use of something.
    pub(crate) kind: Option<Kind>,
    /// Its name.
    pub(crate) name: Hash,
    /// Its length and time.
    pub(crate) meta: ObjectMeta,
}

impl Listed {
    /// `None` for what has no name of ours.
    pub(crate) fn of(meta: ObjectMeta) -> Option<Self> {
        let (kind, name) = stored_as(&meta.location)?;
        Some(Self { kind, name, meta })
    }
}

/// Where something of that name is in a folder.
pub(crate) fn location(folder: Option<&str>, name: &Hash) -> Location {
    let parts = path_parts(name);
    let folder = folder.into_iter();
    Location::from_iter(folder.chain(parts.iter().map(String::as_str)))
}

/// What a location is of, under which name: of something that counts, or a note of its last use.
pub(crate) fn stored_as(at: &Location) -> Option<(Option<Kind>, Hash)> {
    let mut parts: Vec<_> = at.parts().map(|part| part.as_ref().to_owned()).collect();
    let name = parse_name(&parts.pop()?)?;
    let folder = (parts.len() == 3).then(|| parts.remove(0));
    let kind = match folder.as_deref() {
        None => Some(Kind::Blob),
        Some(ADVICE) => Some(Kind::AdviceList),
        Some(USED) => None,
        Some(_) => return None,
    };
    (*at == location(folder.as_deref(), &name)).then_some((kind, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_says_what_is_there_and_others_say_nothing() {
        let name = [0xab; 32];
        let table = [
            (None, Some(Some(Kind::Blob))),
            (Some(ADVICE), Some(Some(Kind::AdviceList))),
            (Some(USED), Some(None)),
            (Some(OUTBOARDS), None),
            (Some("other"), None),
        ];
        for (folder, kind) in table {
            let found = stored_as(&location(folder, &name));
            assert_eq!(found, kind.map(|kind| (kind, name)), "{folder:?}");
        }
        let misplaced = Location::from(format!("advice/00/11/{}", hex::encode(name)));
        assert_eq!(stored_as(&misplaced), None);
        assert_eq!(stored_as(&Location::from("advice/7")), None);
    }
}
