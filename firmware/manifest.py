# Frozen into a firmware of one's own: make -C ports/rp2 FROZEN_MANIFEST=…/firmware/manifest.py
include("$(PORT_DIR)/boards/manifest.py")  # noqa: F821
require("ssd1306")  # noqa: F821
package("meterfw")  # noqa: F821
package("parts", base_path="../boards")  # noqa: F821
