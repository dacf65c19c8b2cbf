"""A client of another make at a broker: what it was sent, and what it asks for."""

import itertools
import json
import threading

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

WAIT_S = 30
_numbers = itertools.count(1)


class Watcher:
    """Subscribes to everything; comes back with the broker.

    :ivar messages: (topic, payload as text, whether it was retained), in the order they came
    """

    def __init__(self, port):
        self.messages = []
        self.connections = 0  # on which it hears everything
        self._changed = threading.Condition()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, f"watcher-{next(_numbers)}")
        self.client.on_connect = lambda client, *_: client.subscribe([("#", 1)])
        self.client.on_subscribe = self._subscribed
        self.client.on_message = self._take
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.wait(lambda watcher: watcher.connections)

    def _subscribed(self, *_):
        with self._changed:
            self.connections += 1
            self._changed.notify_all()

    def _take(self, client, data, message):
        with self._changed:
            self.messages.append((message.topic, message.payload.decode(), message.retain))
            self._changed.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.client.disconnect()
        self.client.loop_stop()

    def forget(self):
        """Forget what came before."""
        with self._changed:
            self.messages.clear()

    def wait(self, wanted):
        """Wait until `wanted(self)` is true of what came.

        :raises AssertionError: it does not get true
        """
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self), WAIT_S), [
                (topic, text[:80]) for topic, text, _ in self.messages[-10:]
            ]

    def of(self, topic):
        """Payloads of a topic, oldest first."""
        return [payload for name, payload, _ in self.messages if name == topic]

    def last(self, topic):
        """The latest message of a topic as data; None without one."""
        found = self.of(topic)
        return json.loads(found[-1]) if found else None

    def publish(self, topic, payload, retain=False):
        """Publish, and wait until the broker has it."""
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(WAIT_S)
