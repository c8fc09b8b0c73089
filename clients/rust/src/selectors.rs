//! Which hosts and which containers a call is about.

use crate::fleet::v1::{ContainerSelector, HostSelector, LabelOperator, LabelRequirement};

/// Every host.
pub fn all_hosts() -> HostSelector {
    HostSelector { all: true, ..Default::default() }
}

/// The hosts with these names, where `*` stands for any characters.  Add `labels` with [`label`].
pub fn hosts<S: Into<String>>(names: impl IntoIterator<Item = S>) -> HostSelector {
    HostSelector { names: names.into_iter().map(Into::into).collect(), ..Default::default() }
}

/// Every container.
pub fn all_containers() -> ContainerSelector {
    ContainerSelector { all: true, ..Default::default() }
}

/// The containers with these names, where `*` stands for any characters.  Add `labels` with [`label`].
pub fn containers<S: Into<String>>(names: impl IntoIterator<Item = S>) -> ContainerSelector {
    ContainerSelector { names: names.into_iter().map(Into::into).collect(), ..Default::default() }
}

/// A requirement of a label: `key=value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`, `key` or `!key`.  The gateway
/// refuses a malformed one.
pub fn label(text: &str) -> LabelRequirement {
    let text = text.trim();
    let listed = |text: &str| text.split(',').map(|value| value.trim().to_owned()).collect();
    let (key, operator, values) = if let Some((key, value)) = text.split_once("!=") {
        (key, LabelOperator::NotEqual, vec![value.trim().to_owned()])
    } else if let Some((key, value)) = text.split_once('=') {
        (key, LabelOperator::Equal, vec![value.trim().to_owned()])
    } else if let Some((head, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        match head.trim().strip_suffix(" notin") {
            Some(key) => (key, LabelOperator::NotIn, listed(values)),
            None => (head.trim().strip_suffix(" in").unwrap_or(head), LabelOperator::In, listed(values)),
        }
    } else if let Some(key) = text.strip_prefix('!') {
        (key, LabelOperator::NotExists, Vec::new())
    } else {
        (text, LabelOperator::Exists, Vec::new())
    };
    LabelRequirement { key: key.trim().to_owned(), operator: operator.into(), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_label_says_what_it_must_be() {
        for (text, key, operator, values) in [
            ("app=shop", "app", LabelOperator::Equal, vec!["shop"]),
            ("app != shop", "app", LabelOperator::NotEqual, vec!["shop"]),
            ("site in (north, south)", "site", LabelOperator::In, vec!["north", "south"]),
            ("site notin (north)", "site", LabelOperator::NotIn, vec!["north"]),
            ("app", "app", LabelOperator::Exists, vec![]),
            ("!app", "app", LabelOperator::NotExists, vec![]),
        ] {
            let values = values.into_iter().map(str::to_owned).collect();
            assert_eq!(label(text), LabelRequirement { key: key.to_owned(), operator: operator.into(), values });
        }
    }
}
