"""The containers that are opened, and no others, wherever a stranger's file is read."""

# Demuxers that read one self-contained file. Playlists (hls, dash, concat), devices, image sequences and
# raw data are not among them: those open further files or addresses, or accept anything.
DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dv,eac3,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpeg,mpegts,mxf,ogg,rm,tta,w64,wav,wv"
)
