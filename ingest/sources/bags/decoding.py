"""Encoded messages to objects whose fields are attributes: ROS 2 CDR, protobuf and JSON."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mcap.records import Schema
from mcap.well_known import SchemaEncoding
from mcap_protobuf.decoder import DecoderFactory

from ingest.sources.bags.store import Topic
from ridealong.errors import RidealongError

if TYPE_CHECKING:  # the extra `ros`
    from rosbags.typesys.store import Typestore

Decode = Callable[[bytes], Any]
READABLE = "ROS 2 CDR, protobuf or JSON"
_ROS_TYPES = Lock()  # rosbags writes Python for new types into one module name


def decoder(topic: Topic) -> Decode:
    """What decodes the messages of a topic.

    It raises any error for a message that does not fit the topic's schema.

    Raises:
        RidealongError: The encoding is unknown, or the schema cannot be read.
    """
    if topic.encoding == "cdr":
        return _cdr(topic)
    if topic.encoding == "protobuf" and topic.schema_encoding == SchemaEncoding.Protobuf:
        return _protobuf(topic)
    if topic.encoding == "json":
        return _json
    encoding = topic.encoding or "no encoding"
    raise RidealongError(f"its messages are {encoding}", expected=READABLE)


def ros_name(name: str) -> str:
    """A ROS type's full name: ``sensor_msgs/Imu`` is ``sensor_msgs/msg/Imu``."""
    package, _, rest = name.partition("/")
    return f"{package}/msg/{rest}" if rest and "/" not in rest else name


def _cdr(topic: Topic) -> Decode:
    store, name = ros_types(topic), ros_name(topic.type)
    return lambda data: store.deserialize_cdr(data, name)


def ros_types(topic: Topic) -> "Typestore":
    """The definitions of a topic of ROS 2 messages.

    Raises:
        RidealongError: They cannot be read.
    """
    return _ros_types(topic.type, topic.schema_encoding, topic.schema)


@lru_cache(maxsize=64)  # the topics of a type share them
def _ros_types(type_name: str, schema_encoding: str, text: bytes) -> "Typestore":
    from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

    name = ros_name(type_name)
    store = known = get_typestore(Stores.LATEST)
    try:
        if text:  # older recorders stored no definitions
            is_idl = schema_encoding == "ros2idl"
            own = get_types_from_idl(text.decode()) if is_idl else None
            types = get_types_from_msg(text.decode(), name) if own is None else own
            store = get_typestore(Stores.EMPTY)
            with _ROS_TYPES:
                store.register(_with_needed(types, known.fielddefs))
        store.get_msgdef(name)
    # A damaged definition raises the parser's errors, or those of the generated code.
    except Exception as error:
        what = f"the definition of {type_name} cannot be read"
        raise RidealongError(f"{what} ({str(error) or type(error).__name__})") from error
    return store


def _with_needed(types: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """These types, and those of ROS itself that they need and definitions often leave out."""
    found, due = dict(types), list(types.values())
    while due:
        for name in _type_names(due.pop()[1]):
            if name not in found and name in known:
                found[name] = known[name]
                due.append(known[name])
    return found


def _type_names(fields: object) -> Iterator[str]:
    """The names of types in a description of fields: nested tuples and lists with such names."""
    if isinstance(fields, str) and fields.count("/") == 2:
        yield fields
    elif isinstance(fields, list | tuple):
        for part in fields:
            yield from _type_names(part)


def _protobuf(topic: Topic) -> Decode:
    schema = Schema(id=1, data=topic.schema, encoding=topic.schema_encoding, name=topic.type)
    try:
        decode = DecoderFactory().decoder_for(topic.encoding, schema)
    except Exception as error:  # protobuf's errors have no common class
        raise RidealongError(f"the definition of {topic.type} cannot be read ({error})") from error
    if decode is None:
        raise RidealongError(f"the definition of {topic.type} cannot be read")
    return decode


def _json(data: bytes) -> Any:
    return json.loads(data, object_hook=lambda fields: SimpleNamespace(**fields))
