//! Which objects a client wants.

mod field;
mod label;

use crate::objects::Object;
use crate::resource::Resource;
use field::FieldTerm;
use label::LabelTerm;

/// What objects must be like. The default one matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    namespace: Option<String>,
    labels: Vec<LabelTerm>,
    fields: Vec<FieldTerm>,
}

impl Selector {
    /// Objects of `resource`, of one namespace or all, by the texts of `labelSelector` and `fieldSelector`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn read(
        resource: Resource,
        namespace: Option<&str>,
        labels: &str,
        fields: &str,
    ) -> Result<Self, String> {
        Ok(Self {
            namespace: namespace.map(str::to_owned),
            labels: label::read(labels)?,
            fields: field::read(resource, fields)?,
        })
    }

    /// Whether it may leave out anything but other namespaces.
    pub(crate) fn is_narrow(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == object.key.0)
            && self.fields.iter().all(|term| term.matches(object))
            && self.labels.iter().all(|term| term.matches(&object.labels))
    }
}
