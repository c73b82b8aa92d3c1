//! Thrift values of any shape, written by the `thrift` crate: for input that is well-formed and not what Jaeger's structs are.

use jaeger_thrift::Protocol;
use thrift::TConfiguration;
use thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TFieldIdentifier, TListIdentifier, TMapIdentifier,
    TMessageIdentifier, TMessageType, TOutputProtocol, TSetIdentifier, TStructIdentifier, TType,
};

#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    Double(f64),
    Text(Vec<u8>),
    Struct(Vec<(i16, Tree)>),
    List(TType, Vec<Tree>),
    Set(TType, Vec<Tree>),
    Map(TType, TType, Vec<(Tree, Tree)>),
}
use Tree::*;

pub(crate) fn text(text: &str) -> Tree {
    Text(text.as_bytes().to_vec())
}

pub(crate) fn structs(elements: Vec<Tree>) -> Tree {
    List(TType::Struct, elements)
}

impl Tree {
    fn kind(&self) -> TType {
        match self {
            Bool(_) => TType::Bool,
            I8(_) => TType::I08,
            I16(_) => TType::I16,
            I32(_) => TType::I32,
            I64(_) => TType::I64,
            Double(_) => TType::Double,
            Text(_) => TType::String,
            Struct(_) => TType::Struct,
            List(..) => TType::List,
            Set(..) => TType::Set,
            Map(..) => TType::Map,
        }
    }

    fn write(&self, o: &mut dyn TOutputProtocol) -> thrift::Result<()> {
        match self {
            Bool(v) => o.write_bool(*v),
            I8(v) => o.write_i8(*v),
            I16(v) => o.write_i16(*v),
            I32(v) => o.write_i32(*v),
            I64(v) => o.write_i64(*v),
            Double(v) => o.write_double(*v),
            Text(v) => o.write_bytes(v),
            Struct(fields) => {
                o.write_struct_begin(&TStructIdentifier::new(""))?;
                for (id, field) in fields {
                    o.write_field_begin(&TFieldIdentifier::new("", field.kind(), *id))?;
                    field.write(o)?;
                    o.write_field_end()?;
                }
                o.write_field_stop()?;
                o.write_struct_end()
            }
            List(kind, elements) => {
                o.write_list_begin(&TListIdentifier::new(*kind, elements.len() as i32))?;
                elements.iter().try_for_each(|it| it.write(o))?;
                o.write_list_end()
            }
            Set(kind, elements) => {
                o.write_set_begin(&TSetIdentifier::new(*kind, elements.len() as i32))?;
                elements.iter().try_for_each(|it| it.write(o))?;
                o.write_set_end()
            }
            Map(keys, values, elements) => {
                o.write_map_begin(&TMapIdentifier::new(*keys, *values, elements.len() as i32))?;
                elements.iter().try_for_each(|(key, value)| key.write(o).and_then(|()| value.write(o)))?;
                o.write_map_end()
            }
        }
    }

    fn written(&self, protocol: Protocol, header: Option<TMessageIdentifier>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let any_depth = TConfiguration::no_limits();
        let mut o: Box<dyn TOutputProtocol> = match protocol {
            Protocol::Compact => Box::new(TCompactOutputProtocol::with_config(&mut bytes, any_depth)),
            Protocol::Binary => Box::new(TBinaryOutputProtocol::with_config(&mut bytes, true, any_depth)),
        };
        if let Some(header) = header {
            o.write_message_begin(&header).unwrap();
        }
        self.write(&mut *o).unwrap();
        drop(o);
        bytes
    }

    /// Alone.
    pub(crate) fn bytes(&self, protocol: Protocol) -> Vec<u8> {
        self.written(protocol, None)
    }

    /// As the arguments of a call of `name`.
    pub(crate) fn call(&self, protocol: Protocol, name: &str) -> Vec<u8> {
        self.written(protocol, Some(TMessageIdentifier::new(name, TMessageType::OneWay, 3)))
    }

    /// The field `id` of a struct.
    pub(crate) fn field(&mut self, id: i16) -> &mut Tree {
        let Struct(fields) = self else { panic!("{self:?} has no fields") };
        let position = fields.iter().position(|(it, _)| *it == id).expect("the field is there");
        &mut fields[position].1
    }

    /// The first element of a list.
    pub(crate) fn first(&mut self) -> &mut Tree {
        match self {
            List(_, elements) => &mut elements[0],
            _ => panic!("{self:?} has no elements"),
        }
    }

    /// The fields of a struct.
    pub(crate) fn fields(&mut self) -> &mut Vec<(i16, Tree)> {
        match self {
            Struct(fields) => fields,
            _ => panic!("{self:?} has no fields"),
        }
    }

    /// Changes every struct in it, from the inside out.
    pub(crate) fn each_struct(&mut self, change: &mut impl FnMut(&mut Vec<(i16, Tree)>)) {
        match self {
            Struct(fields) => {
                fields.iter_mut().for_each(|(_, field)| field.each_struct(change));
                change(fields);
            }
            List(_, elements) => elements.iter_mut().for_each(|it| it.each_struct(change)),
            _ => {}
        }
    }
}

/// A tag with only what its type needs.
pub(crate) fn tag(key: &str, v_type: i32, id: i16, value: Tree) -> Tree {
    Struct(vec![(1, text(key)), (2, I32(v_type)), (id, value)])
}

/// A tag of type STRING.
pub(crate) fn text_tag(key: &str, value: &str) -> Tree {
    tag(key, 0, 3, text(value))
}

/// A batch with every field of every struct.
pub(crate) fn batch() -> Tree {
    let log = Struct(vec![(1, I64(15)), (2, structs(vec![text_tag("event", "hit")]))]);
    let reference = Struct(vec![(1, I32(1)), (2, I64(1)), (3, I64(2)), (4, I64(3))]);
    let span = Struct(vec![
        (1, I64(1)),
        (2, I64(2)),
        (3, I64(3)),
        (4, I64(4)),
        (5, text("op")),
        (6, structs(vec![reference])),
        (7, I32(1)),
        (8, I64(8)),
        (9, I64(9)),
        (10, structs(vec![text_tag("k", "v"), tag("b", 2, 5, Bool(true))])),
        (11, structs(vec![log])),
    ]);
    Struct(vec![
        (1, Struct(vec![(1, text("svc")), (2, structs(vec![tag("n", 3, 6, I64(1))]))])),
        (2, structs(vec![span])),
        (3, I64(1)),
        (4, Struct(vec![(1, I64(1)), (2, I64(2)), (3, I64(3))])),
    ])
}
