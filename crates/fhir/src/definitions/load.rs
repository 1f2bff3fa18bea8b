//! Reads the table's text.

use std::collections::HashMap;

use super::{Class, CodeList, Definitions, Element, ListId, Member, Primitive, Shape, TargetsId, Type, TypeId};

/// A type as the text tells it, its base and its elements not yet looked up.
struct Block {
    name: &'static str,
    class: Class,
    base: &'static str,
    lines: Vec<&'static str>,
}

struct Loader {
    by_name: HashMap<&'static str, TypeId>,
    lists: Vec<CodeList>,
    targets: Vec<Vec<&'static str>>,
}

pub(super) fn load(text: &'static str) -> Definitions {
    let mut loader = Loader { by_name: HashMap::new(), lists: Vec::new(), targets: vec![Vec::new()] };
    let mut blocks: Vec<Block> = Vec::new();
    for line in text.lines() {
        match line.as_bytes().first() {
            None | Some(b'#') => {}
            Some(b'&') => loader.list(&line[1..]),
            Some(b'=') => {
                let block = block(&line[1..]);
                loader.by_name.insert(block.name, TypeId(blocks.len() as u16));
                blocks.push(block);
            }
            Some(_) => blocks.last_mut().expect("an element follows its type").lines.push(line),
        }
    }
    let types = blocks.iter().map(|block| loader.build(block, &blocks)).collect();
    Definitions { types, by_name: loader.by_name, lists: loader.lists, targets: loader.targets }
}

fn block(line: &'static str) -> Block {
    let mut words = line.split(' ');
    let mut word = || words.next().expect("a type has a name, a kind and a base");
    let name = word();
    let class = match word() {
        "abstract" => Class::Abstract,
        "resource" => Class::Resource,
        "datatype" => Class::Datatype,
        "part" => Class::Part,
        other => panic!("{other} is no kind of type"),
    };
    Block { name, class, base: word(), lines: Vec::new() }
}

impl Loader {
    fn list(&mut self, line: &'static str) {
        let mut words = line.split(' ');
        let name = words.next().expect("a list has a name");
        self.lists.push(CodeList { name, codes: words.collect() });
    }

    fn build(&mut self, block: &Block, blocks: &[Block]) -> Type {
        let mut built = Type { name: block.name, class: block.class, elements: Vec::new(), members: Vec::new() };
        self.add_elements(&mut built, block, blocks);
        built.members.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        built
    }

    /// Adds the elements of the base, and then the type's own.
    fn add_elements(&mut self, built: &mut Type, block: &Block, blocks: &[Block]) {
        if let Some(base) = self.by_name.get(block.base) {
            self.add_elements(built, &blocks[usize::from(base.0)], blocks);
        }
        for line in &block.lines {
            self.add_element(built, line);
        }
    }

    fn add_element(&mut self, built: &mut Type, line: &'static str) {
        let mut words = line.split(' ');
        let (Some(name), Some(count), Some(types)) = (words.next(), words.next(), words.next()) else {
            panic!("an element has a name, a count and types: {line}")
        };
        let element = built.elements.len() as u8;
        let choice = name.strip_suffix("[x]");
        for kind in types.split('|') {
            let shape = self.shape(kind);
            let own = match choice {
                Some(stem) => format!("{stem}{}", capitalised(type_name(kind))).into_boxed_str(),
                None => name.into(),
            };
            built.members.push(Member { name: own, element, shape });
        }
        built.elements.push(Element {
            name: choice.unwrap_or(name),
            is_required: count.starts_with('1'),
            is_many: count.ends_with('*'),
            is_choice: choice.is_some(),
        });
    }

    fn shape(&mut self, kind: &'static str) -> Shape {
        if let Some(path) = kind.strip_prefix('~') {
            return Shape::Object(self.known(path));
        }
        if let Some(attribute) = kind.strip_prefix('@') {
            return Shape::Attribute(primitive(attribute).expect("an attribute is a primitive"));
        }
        if let Some(list) = kind.strip_prefix("code!") {
            return Shape::Primitive(self.binding(list));
        }
        if let Some(primitive) = primitive(kind) {
            return Shape::Primitive(primitive);
        }
        match kind.strip_prefix("Reference") {
            Some("") => Shape::Reference(self.known("Reference"), TargetsId(0)),
            Some(targets) if targets.starts_with('(') => {
                self.targets.push(targets[1..targets.len() - 1].split(',').collect());
                Shape::Reference(self.known("Reference"), TargetsId(self.targets.len() as u16 - 1))
            }
            _ if kind == "Resource" => Shape::AnyResource,
            _ => Shape::Object(self.known(kind)),
        }
    }

    fn binding(&self, list: &str) -> Primitive {
        match list {
            "!mimetype" => Primitive::MediaType,
            "!currency" => Primitive::Currency,
            _ => {
                let at = self.lists.iter().position(|own| own.name == list);
                Primitive::Bound(ListId(at.unwrap_or_else(|| panic!("there is no list {list}")) as u16))
            }
        }
    }

    fn known(&self, name: &str) -> TypeId {
        *self.by_name.get(name).unwrap_or_else(|| panic!("there is no type {name}"))
    }
}

/// The type's name without targets and bindings.
fn type_name(kind: &str) -> &str {
    kind.split(['(', '!']).next().unwrap_or(kind)
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

fn primitive(name: &str) -> Option<Primitive> {
    Some(match name {
        "base64Binary" => Primitive::Base64Binary,
        "boolean" => Primitive::Boolean,
        "canonical" => Primitive::Canonical,
        "code" => Primitive::Code,
        "date" => Primitive::Date,
        "dateTime" => Primitive::DateTime,
        "decimal" => Primitive::Decimal,
        "id" => Primitive::Id,
        "instant" => Primitive::Instant,
        "integer" => Primitive::Integer,
        "markdown" => Primitive::Markdown,
        "oid" => Primitive::Oid,
        "positiveInt" => Primitive::PositiveInt,
        "string" => Primitive::String,
        "time" => Primitive::Time,
        "unsignedInt" => Primitive::UnsignedInt,
        "uri" => Primitive::Uri,
        "url" => Primitive::Url,
        "uuid" => Primitive::Uuid,
        "xhtml" => Primitive::Xhtml,
        _ => return None,
    })
}
