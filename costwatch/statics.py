"""Static files under names with a hash, gzip beside them: brotli saves a seventh and costs seconds at first start."""

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """What `costwatch up` prepares once and WhiteNoise serves with a cache life of years."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return Compressor(**{**kwargs, "use_brotli": False})
