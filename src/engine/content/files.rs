//! The files that a presentation needs beside its segments: init segments, indexes, keys, captions.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use super::{CachedFile, Content, first_url};
use crate::{
    engine::{decryption, error::Error, manifest, network::FetchedFile},
    media::{Container, EncryptionKey, Representation, Resource, captions::CaptionFile},
    platform::Bytes,
    protocol::ResourceKind,
};

impl Content {
    /// Fetches an init segment, or takes it from the cache. Validates it, because appending a damaged one ends the
    /// MediaSource.
    ///
    /// # Errors
    /// `PlaybackError::InvalidData`, `PlaybackError::UnsupportedFeature`, and those of the network.
    pub async fn init_segment(
        &self,
        representation: &Representation,
        resource: &Resource,
    ) -> Result<Bytes, Error> {
        let (kind, base_urls) = (ResourceKind::InitSegment, &representation.base_urls);
        if let Some(file) = self.find_cached(base_urls, resource) {
            return Ok(file.bytes.clone());
        }
        let file = self.resource(kind, base_urls, resource).await?;
        let is_mp4 = matches!(
            manifest::detect_container(&file.bytes),
            Some(Container::Mp4) | None
        );
        if is_mp4 && let Err(error) = manifest::parse_init_segment(&file.bytes, &file.url, kind) {
            self.discard(resource);
            return Err(error);
        }
        Ok(file.bytes.clone())
    }

    /// Whether an init segment is in the cache.
    pub fn has_init_segment(&self, representation: &Representation, resource: &Resource) -> bool {
        self.find_cached(&representation.base_urls, resource)
            .is_some()
    }

    /// Removes a damaged file from the cache, so that it is fetched again.
    pub(super) fn discard(&self, resource: &Resource) {
        let mut cache = self.cache.borrow_mut();
        cache.retain(|cached| cached.resource != *resource);
    }

    /// Fetches a file, and decrypts it if necessary. Fetches only the first bytes of an unencrypted media segment. Init
    /// segments and keys are cached.
    ///
    /// # Errors
    /// `PlaybackError::InvalidData`, and those of the network.
    pub async fn resource(
        &self,
        kind: ResourceKind,
        base_urls: &[Rc<str>],
        resource: &Resource,
    ) -> Result<Rc<FetchedFile>, Error> {
        if let Some(file) = self.find_cached(base_urls, resource) {
            return Ok(file);
        }
        let mut file = self.network.get(kind, base_urls, resource).await?;
        if let Some(key) = &resource.key {
            let key_file = self.key(base_urls, key).await?;
            file.bytes =
                decryption::decrypt(kind, &file.bytes, &key_file.bytes, key.iv, &file.url).await?;
        }
        let file = Rc::new(file);
        if matches!(kind, ResourceKind::InitSegment | ResourceKind::Key) {
            self.cache_file(base_urls, resource, &file);
        }
        Ok(file)
    }

    /// Fetches a key, or takes it from the cache.
    ///
    /// # Errors
    /// Those of the network.
    pub fn key<'a>(
        &'a self,
        base_urls: &'a [Rc<str>],
        key: &EncryptionKey,
    ) -> LocalBoxFuture<'a, Result<Rc<FetchedFile>, Error>> {
        let resource = Resource::whole(key.path.clone());
        // Boxed, because `resource` and `key` are mutually recursive.
        Box::pin(async move { self.resource(ResourceKind::Key, base_urls, &resource).await })
    }

    pub(super) fn cache_file(
        &self,
        base_urls: &[Rc<str>],
        resource: &Resource,
        file: &Rc<FetchedFile>,
    ) {
        if let Some(url) = first_url(base_urls, resource) {
            let mut cache = self.cache.borrow_mut();
            if cache.len() == MAX_CACHED_FILES {
                cache.remove(0);
            }
            cache.push(CachedFile {
                url,
                resource: resource.clone(),
                file: file.clone(),
            });
        }
    }

    pub(super) fn find_cached(
        &self,
        base_urls: &[Rc<str>],
        resource: &Resource,
    ) -> Option<Rc<FetchedFile>> {
        // By its URL, because several playlists may refer to the same key.
        let url = first_url(base_urls, resource)?;
        let cache = self.cache.borrow();
        cache
            .iter()
            .find(|cached| cached.url == url && cached.resource.range == resource.range)
            .map(|cached| cached.file.clone())
    }

    /// The only file in a playlist of captions; `None` if it lists several segments.
    ///
    /// # Errors
    /// `PlaybackError::InvalidManifest`, `PlaybackError::UnsupportedFeature`, and those of the network.
    pub async fn caption_file(&self, playlist: &CaptionFile) -> Result<Option<CaptionFile>, Error> {
        let base = playlist.base_urls.first().map_or("", |base| base);
        let urls = Self::playlist_urls(base, &playlist.resource.path, &playlist.copies);
        let file = self
            .resource(ResourceKind::Manifest, &urls, &Resource::default())
            .await?;
        let segments = manifest::parse_media_playlist(&file, &self.definitions)?;
        let only = segments.get(0).filter(|_| segments.len() == 1);
        Ok(only.map(|segment| CaptionFile {
            base_urls: with_redirect(urls, &file),
            resource: segment.resource,
            is_playlist: false,
            ..playlist.clone()
        }))
    }
}

/// How many init segments and keys are kept. A live stream has ever new ones.
const MAX_CACHED_FILES: usize = 64;

/// The base URLs of the files in a playlist: the URLs of the playlist and its copies. That of the fetched one is the URL
/// after redirects.
pub(super) fn with_redirect(mut urls: Vec<Rc<str>>, file: &FetchedFile) -> Vec<Rc<str>> {
    if let Some(fetched) = urls.get_mut(file.server) {
        *fetched = file.url.as_str().into();
    }
    urls
}
