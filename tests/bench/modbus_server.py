"""pymodbus' own TCP server with one device of 64 registers; prints its URL, and serves for ever."""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

REGISTERS = 64


async def main() -> None:
    """Serve."""
    data = SimData(0, count=REGISTERS, values=0x1234, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(1, [data]), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    print(f"socket://127.0.0.1:{port}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
