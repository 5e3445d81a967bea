// What can be said in JavaScript only.

// `import(url)` of an absolute URL: a promise for the module.
export const load = (url) => import(url);
